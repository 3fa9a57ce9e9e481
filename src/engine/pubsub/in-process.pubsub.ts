// The doorbell of a single process: there is nobody else to ring.
import type { PubSub, PubSubLog, Topics } from './doorbell.port.js';
import { Listeners } from './listeners.js';

export class InProcessPubSub<M = Topics> implements PubSub<M> {
  private readonly listeners: Listeners<M>;
  readonly stats = { published: 0, dropped: 0, received: 0, malformed: 0, reconnects: 0 };
  private closed = false;

  constructor(options: { readonly log: PubSubLog }) {
    this.listeners = new Listeners(options.log);
  }

  get healthy(): boolean {
    return !this.closed;
  }

  publish<T extends keyof M>(topic: T, message: M[T]): void {
    this.stats.published += 1;
    if (this.closed) this.stats.dropped += 1;
    else this.listeners.deliver(topic, message);
  }

  subscribe<T extends keyof M>(topic: T, listener: (message: M[T]) => void): () => void {
    return this.closed ? () => undefined : this.listeners.add(topic, listener);
  }

  /** Nothing is ever lost on the way, so it is never called. */
  onRecovered(_listener: () => void): () => void {
    return () => undefined;
  }

  close(): Promise<void> {
    this.closed = true;
    this.listeners.clear();
    return Promise.resolve();
  }
}
