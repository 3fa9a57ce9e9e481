// One life of the connection to Redis: a publisher, a subscriber, and the heartbeat that proves that what the one sends the
// other hears. It never repairs itself: once `lost` it is thrown away, whole, and the next link starts clean.
import { RedisPubSub as Engine } from 'graphql-redis-subscriptions';
import type { Redis } from 'ioredis';
import { redisClient } from './redis-client.js';

export interface LinkOptions {
  readonly url: string;
  readonly ringChannel: string;
  /** This node's own: only it publishes there, only it listens. */
  readonly heartbeatChannel: string;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  readonly maxInFlight: number;
  /** Whatever JSON came, or a raw string that was none. Must not throw: it is called from within ioredis's parser. */
  onRing(message: unknown): void;
  /** The first heartbeat was heard. */
  onLive(): void;
  /** A ring that `send` had taken did not reach Redis, as far as we know. */
  onSendFailed(): void;
}

export class RedisLink {
  /** Resolves once, never rejects, with what went wrong (never with a command's arguments: AUTH has the password). */
  readonly lost: Promise<string>;

  private readonly publisher: Redis;
  private readonly subscriber: Redis;
  private readonly engine: Engine;
  private readonly ticker: NodeJS.Timeout;
  private readonly resolveLost: (cause: string) => void;
  private over = false;
  private cause: string | undefined;
  private liveSince: number | undefined;
  private heardAt = 0;
  private silentTicks = 0;
  private inFlight = 0;

  constructor(private readonly options: LinkOptions) {
    ({ promise: this.lost, resolve: this.resolveLost } = Promise.withResolvers<string>());
    this.publisher = this.client();
    this.subscriber = this.client();
    this.engine = new Engine({ publisher: this.publisher, subscriber: this.subscriber });
    this.ticker = setInterval(() => this.tick(), options.heartbeatMs);
    this.open().catch((error: Error) => this.lose(this.cause ?? error.message));
  }

  get healthy(): boolean {
    return !this.over && this.liveSince !== undefined && performance.now() - this.heardAt <= this.options.silenceMs;
  }

  /** Lived long enough for the next attempt to be a first one. */
  get wasStable(): boolean {
    return this.liveSince !== undefined && performance.now() - this.liveSince > this.options.silenceMs;
  }

  /** False: dropped, because the connection is not ready or does not keep up. */
  send(ring: object): boolean {
    if (this.over || this.publisher.status !== 'ready' || this.inFlight >= this.options.maxInFlight) return false;
    this.inFlight += 1;
    this.engine
      .publish(this.options.ringChannel, ring)
      .catch(() => this.options.onSendFailed())
      .finally(() => (this.inFlight -= 1));
    return true;
  }

  /** Resolves when both sockets are gone. */
  async close(): Promise<void> {
    this.lose('closed');
    await Promise.all([ended(this.publisher), ended(this.subscriber)]);
  }

  private client(): Redis {
    const { url, silenceMs } = this.options;
    const client = redisClient(url, {
      // ioredis would re-subscribe by itself after a reconnection, with nobody to catch a failure: no second life here. Messages may
      // pass while Redis is still loading.
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      connectTimeout: silenceMs,
      commandTimeout: silenceMs,
      keepAlive: 10_000,
    });
    // A failed connection to "localhost" is an AggregateError without a message.
    client.on('error', (error: NodeJS.ErrnoException) => (this.cause ??= error.message || error.code));
    client.on('end', () => this.lose(this.cause ?? 'connection closed'));
    return client;
  }

  private async open(): Promise<void> {
    await Promise.all([this.publisher.connect(), this.subscriber.connect()]);
    const { ringChannel, heartbeatChannel } = this.options;
    await Promise.all([
      this.subscribe(ringChannel, (message) => this.over || this.options.onRing(message)),
      this.subscribe(heartbeatChannel, () => this.over || this.heard()),
    ]);
    this.beat();
  }

  /**
   * When SUBSCRIBE fails, the library also rejects a promise of its own, which ends the process unless a second subscriber
   * was waiting for the same channel. So there is one, and it listens to nothing.
   */
  private async subscribe(channel: string, listener: (message: unknown) => void): Promise<void> {
    await Promise.all([this.engine.subscribe(channel, listener), this.engine.subscribe(channel, () => undefined)]);
  }

  /**
   * Silence is counted in ticks: after a stall of our own event loop timers run before sockets are read, and a clock would
   * condemn a connection whose heartbeat is waiting in the buffer.
   */
  private tick(): void {
    const { heartbeatMs, silenceMs } = this.options;
    this.silentTicks += 1;
    if (this.silentTicks * heartbeatMs >= silenceMs) this.lose(this.cause ?? `silent for ${silenceMs} ms`);
    else this.beat();
  }

  private beat(): void {
    if (this.publisher.status !== 'ready') return;
    this.engine.publish(this.options.heartbeatChannel, 1).catch(() => undefined);
  }

  private heard(): void {
    this.silentTicks = 0;
    this.heardAt = performance.now();
    if (this.liveSince !== undefined) return;
    this.liveSince = this.heardAt;
    this.options.onLive();
  }

  private lose(cause: string): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.ticker);
    this.resolveLost(cause);
  }
}

/** `quit()` would wait for an answer that a dead Redis never gives. */
function ended(client: Redis): Promise<void> {
  return new Promise((resolve) => {
    if (client.status === 'end') return resolve();
    client.once('end', resolve);
    client.disconnect();
  });
}
