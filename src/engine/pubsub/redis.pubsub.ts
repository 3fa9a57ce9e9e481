// Pub/sub between instances over Redis: replaces lost links, with exponential backoff, until it is closed.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { PubSub, PubSubLog, Schemas, Topics } from './pubsub.port.js';
import { Listeners } from './listeners.js';
import { RedisLink } from './redis-link.js';

export interface RedisPubSubOptions<M> {
  readonly url: string;
  readonly schemas: Schemas<M>;
  readonly log: PubSubLog;
  /** Part of every channel's name, so that installations can share one Redis, since pub/sub ignores its database number. */
  readonly namespace: string;
  /** ms between two heartbeats. */
  readonly heartbeatMs?: number;
  /** ms without a heartbeat after which the link is replaced. A multiple of `heartbeatMs`. */
  readonly silenceMs?: number;
  /** Longest delay between two attempts to connect, in ms. Delays grow up to it and are random. */
  readonly retryMs?: number;
  /** Messages sent but not yet confirmed; more are dropped. */
  readonly maxInFlight?: number;
}

/** The wire format. `node` is the sending instance, which ignores it. Instances of two versions share the channel: names stay. */
interface Envelope {
  readonly node: string;
  readonly topic: string;
  readonly message: unknown;
}

export function channelName(kind: 'rings' | `heartbeat:${string}`, namespace: string): string {
  return `${namespace}:${kind}`;
}

export class RedisPubSub<M = Topics> implements PubSub<M> {
  private readonly instanceId = randomUUID();
  private readonly options: Required<RedisPubSubOptions<M>>;
  private readonly listeners: Listeners<M>;
  private readonly recovered: Listeners<{ recovered: undefined }>;
  readonly stats = { dropped: 0, malformed: 0, reconnects: 0 };
  private readonly closing = new AbortController();
  private readonly running: Promise<void>;
  private link: RedisLink | undefined;
  private hasBeenLive = false;
  private lossLogged = false;

  constructor(options: RedisPubSubOptions<M>) {
    this.options = { heartbeatMs: 1000, silenceMs: 3000, retryMs: 2000, maxInFlight: 256, ...options };
    this.listeners = new Listeners(options.log);
    this.recovered = new Listeners(options.log);
    this.running = this.run();
  }

  get healthy(): boolean {
    return this.link?.healthy ?? false;
  }

  publish<T extends keyof M>(topic: T, message: M[T]): void {
    if (!this.closing.signal.aborted) {
      this.listeners.deliver(topic, message); // to this process first, independent of Redis; its own copy is ignored
      if (this.link?.send({ node: this.instanceId, topic, message })) return;
    }
    this.stats.dropped += 1;
  }

  subscribe<T extends keyof M>(topic: T, listener: (message: M[T]) => void): () => void {
    return this.closing.signal.aborted ? () => undefined : this.listeners.add(topic, listener);
  }

  onRecovered(listener: () => void): () => void {
    return this.closing.signal.aborted ? () => undefined : this.recovered.add('recovered', listener);
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.listeners.clear();
    this.recovered.clear();
    await this.link?.close();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const link = this.connect();
      const cause = await link.lost;
      if (!signal.aborted) this.logLoss(cause);
      await link.close();
      if (link.wasStable) attempt = 1;
      await pause(this.delay(attempt), undefined, { signal }).catch(() => undefined);
    }
  }

  private connect(): RedisLink {
    const { url, namespace, heartbeatMs, silenceMs, maxInFlight } = this.options;
    return (this.link = new RedisLink({
      url,
      heartbeatMs,
      silenceMs,
      maxInFlight,
      channel: channelName('rings', namespace),
      heartbeatChannel: channelName(`heartbeat:${this.instanceId}`, namespace),
      onMessage: (message) => this.onMessage(message),
      onLive: () => this.onLive(),
      onSendFailed: () => (this.stats.dropped += 1),
    }));
  }

  /** Random up to a bound that doubles, so that instances do not reconnect in step. */
  private delay(attempt: number): number {
    return Math.random() * Math.min(this.options.retryMs, 50 * 2 ** Math.min(attempt, 16));
  }

  private onMessage(received: unknown): void {
    const { node, topic, message } = (received ?? {}) as Partial<Envelope>;
    if (node === this.instanceId) return;
    if (typeof node === 'string' && this.isKnown(topic)) {
      const parsed = this.options.schemas[topic].safeParse(message);
      if (parsed.success) return this.listeners.deliver(topic, parsed.data);
    }
    this.stats.malformed += 1;
  }

  private isKnown(topic: unknown): topic is keyof M & string {
    return typeof topic === 'string' && Object.hasOwn(this.options.schemas, topic);
  }

  private onLive(): void {
    if (this.hasBeenLive) this.stats.reconnects += 1;
    this.hasBeenLive = true;
    if (this.lossLogged) this.options.log.info('Redis is back: wake-ups reach other instances again');
    this.lossLogged = false;
    this.recovered.deliver('recovered', undefined);
  }

  /** Once per loss, however many attempts follow. */
  private logLoss(cause: string): void {
    if (this.lossLogged) return;
    this.lossLogged = true;
    this.options.log.warn(`No Redis (${cause}): wake-ups stay in this process, other instances look by their timers`);
  }
}
