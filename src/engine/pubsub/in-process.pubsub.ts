// Pub/sub of a single process, without REDIS_URL.
import type { PubSub, PubSubLog, Topics } from './pubsub.port.js';
import { Listeners } from './listeners.js';

export class InProcessPubSub<M = Topics> implements PubSub<M> {
  private readonly listeners: Listeners<M>;
  readonly stats = { dropped: 0, malformed: 0, reconnects: 0 };
  private closed = false;

  constructor(options: { readonly log: PubSubLog }) {
    this.listeners = new Listeners(options.log);
  }

  get healthy(): boolean {
    return !this.closed;
  }

  publish<T extends keyof M>(topic: T, message: M[T]): void {
    if (this.closed) this.stats.dropped += 1;
    else this.listeners.deliver(topic, message);
  }

  subscribe<T extends keyof M>(topic: T, listener: (message: M[T]) => void): () => void {
    return this.closed ? () => undefined : this.listeners.add(topic, listener);
  }

  /** Never called: no wake-up is lost within a process. */
  onRecovered(_listener: () => void): () => void {
    return () => undefined;
  }

  close(): Promise<void> {
    this.closed = true;
    this.listeners.clear();
    return Promise.resolve();
  }
}
