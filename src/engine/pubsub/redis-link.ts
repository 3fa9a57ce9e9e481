// One connection to Redis: a publisher, a subscriber, and a heartbeat that verifies the path between them. It never reconnects: once
// `lost`, a new link replaces it.
import { RedisPubSub as Engine } from 'graphql-redis-subscriptions';
import type { Redis } from 'ioredis';
import { redisClient } from './redis-client.js';

export interface LinkOptions {
  readonly url: string;
  readonly channel: string;
  /** The channel on which this instance sends heartbeats to itself. */
  readonly heartbeatChannel: string;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  readonly maxInFlight: number;
  /** Parsed JSON, or the raw text if invalid. Must not throw: called from ioredis's parser. */
  onMessage(message: unknown): void;
  /** The first heartbeat was received. */
  onLive(): void;
  /** A message that `send` accepted may not have reached Redis. */
  onSendFailed(): void;
}

export class RedisLink {
  /** Resolves once with the cause, never rejects (and never contains a command's arguments: AUTH has the password). */
  readonly lost: Promise<string>;

  private readonly publisher: Redis;
  private readonly subscriber: Redis;
  private readonly engine: Engine;
  private readonly ticker: NodeJS.Timeout;
  private readonly resolveLost: (cause: string) => void;
  private closed = false;
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
    return !this.closed && this.liveSince !== undefined && performance.now() - this.heardAt <= this.options.silenceMs;
  }

  /** Whether it lived long enough to reset the backoff. */
  get wasStable(): boolean {
    return this.liveSince !== undefined && performance.now() - this.liveSince > this.options.silenceMs;
  }

  /** False: dropped, because the connection is not ready or too slow. */
  send(message: object): boolean {
    if (this.closed || this.publisher.status !== 'ready' || this.inFlight >= this.options.maxInFlight) return false;
    this.inFlight += 1;
    this.engine
      .publish(this.options.channel, message)
      .catch(() => this.options.onSendFailed())
      .finally(() => (this.inFlight -= 1));
    return true;
  }

  /** Resolves when both sockets are closed. */
  async close(): Promise<void> {
    this.lose('closed');
    await Promise.all([ended(this.publisher), ended(this.subscriber)]);
  }

  private client(): Redis {
    const { url, silenceMs } = this.options;
    const client = redisClient(url, {
      // ioredis must not reconnect: it would re-subscribe by itself, and failures of that could not be caught. Messages may pass while Redis
      // is still loading.
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
    const { channel, heartbeatChannel } = this.options;
    await Promise.all([
      this.subscribe(channel, (message) => this.closed || this.options.onMessage(message)),
      this.subscribe(heartbeatChannel, () => this.closed || this.heard()),
    ]);
    this.beat();
  }

  /**
   * When SUBSCRIBE fails, the library also rejects an internal promise, which ends the process unless a second subscriber
   * waits for the same channel. So there is one, which ignores messages.
   */
  private async subscribe(channel: string, listener: (message: unknown) => void): Promise<void> {
    await Promise.all([this.engine.subscribe(channel, listener), this.engine.subscribe(channel, () => undefined)]);
  }

  /**
   * Silence is counted in ticks: after a stall of the event loop timers run before sockets are read, and a clock would
   * declare a connection dead whose heartbeat is in the buffer.
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
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.ticker);
    this.resolveLost(cause);
  }
}

/** `quit()` would wait for an answer that a dead Redis never sends. */
function ended(client: Redis): Promise<void> {
  return new Promise((resolve) => {
    if (client.status === 'end') return resolve();
    client.once('end', resolve);
    client.disconnect();
  });
}
