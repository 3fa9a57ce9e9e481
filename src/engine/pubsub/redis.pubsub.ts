// The doorbell between nodes, over Redis: one link after the other, for as long as it takes.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { PubSub, PubSubLog, Shapes, Topics } from './doorbell.port.js';
import { Listeners } from './listeners.js';
import { RedisLink } from './redis-link.js';

export interface RedisPubSubOptions<M> {
  readonly url: string;
  readonly shapes: Shapes<M>;
  readonly log: PubSubLog;
  /** Part of every channel's name, so that installations can share one Redis (whose database number does not separate them). */
  readonly namespace?: string;
  /** How often a node rings itself, ms. */
  readonly heartbeatMs?: number;
  /** How long hearing nothing is borne until the connections are rebuilt, ms. A multiple of `heartbeatMs`. */
  readonly silenceMs?: number;
  /** Longest wait between two attempts to connect, ms. Waits grow up to it and are random. */
  readonly retryMs?: number;
  /** Rings sent and not yet answered; more are dropped. */
  readonly maxInFlight?: number;
}

/** What travels. `node` tells a node its own echo. */
interface Envelope {
  readonly node: string;
  readonly topic: string;
  readonly message: unknown;
}

export function channelName(kind: 'rings' | `heartbeat:${string}`, namespace = ''): string {
  return ['tidings', namespace, kind].filter(Boolean).join(':');
}

export class RedisPubSub<M = Topics> implements PubSub<M> {
  private readonly node = randomUUID();
  private readonly options: Required<RedisPubSubOptions<M>>;
  private readonly listeners: Listeners<M>;
  private readonly recovered: Listeners<{ recovered: undefined }>;
  readonly stats = { published: 0, dropped: 0, received: 0, malformed: 0, reconnects: 0 };
  private readonly closing = new AbortController();
  private readonly running: Promise<void>;
  private link: RedisLink | undefined;
  private hasBeenLive = false;
  private lossLogged = false;

  constructor(options: RedisPubSubOptions<M>) {
    this.options = { namespace: '', heartbeatMs: 1000, silenceMs: 3000, retryMs: 2000, maxInFlight: 256, ...options };
    this.listeners = new Listeners(options.log);
    this.recovered = new Listeners(options.log);
    this.running = this.run();
  }

  get healthy(): boolean {
    return this.link?.healthy ?? false;
  }

  publish<T extends keyof M>(topic: T, message: M[T]): void {
    this.stats.published += 1;
    if (!this.closing.signal.aborted) {
      this.listeners.deliver(topic, message); // this process first, whatever Redis does; its echo is ignored
      if (this.link?.send({ node: this.node, topic, message })) return;
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
      ringChannel: channelName('rings', namespace),
      heartbeatChannel: channelName(`heartbeat:${this.node}`, namespace),
      onRing: (message) => this.onRing(message),
      onLive: () => this.onLive(),
      onSendFailed: () => (this.stats.dropped += 1),
    }));
  }

  /** Random between nothing and a bound that doubles, so that many nodes do not come back in one instant. */
  private delay(attempt: number): number {
    return Math.random() * Math.min(this.options.retryMs, 50 * 2 ** Math.min(attempt, 16));
  }

  private onRing(ring: unknown): void {
    const { node, topic, message } = (ring ?? {}) as Partial<Envelope>;
    if (node === this.node) return;
    if (typeof node === 'string' && this.isKnown(topic) && this.options.shapes[topic](message)) {
      this.stats.received += 1;
      this.listeners.deliver(topic, message);
    } else {
      this.stats.malformed += 1;
    }
  }

  private isKnown(topic: unknown): topic is keyof M & string {
    return typeof topic === 'string' && Object.hasOwn(this.options.shapes, topic);
  }

  private onLive(): void {
    if (this.hasBeenLive) this.stats.reconnects += 1;
    this.hasBeenLive = true;
    if (this.lossLogged) this.options.log.info('Redis is back: rings reach other nodes again');
    this.lossLogged = false;
    this.recovered.deliver('recovered', undefined);
  }

  /** Once per loss, however many attempts follow. */
  private logLoss(cause: string): void {
    if (this.lossLogged) return;
    this.lossLogged = true;
    this.options.log.warn(`No Redis (${cause}): rings stay in this process, other nodes notice by their timers`);
  }
}
