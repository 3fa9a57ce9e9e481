// The listeners of this process by topic. Knows no transport.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { PubSubLog } from './pubsub.port.js';

type Listener = (message: unknown) => void;

export class Listeners<M> {
  private readonly byTopic = new Map<keyof M, Set<Listener>>();

  constructor(private readonly log: PubSubLog) {}

  /** Returns an unsubscribe function. A listener that is added twice is called twice. */
  add<T extends keyof M>(topic: T, listener: (message: M[T]) => void): () => void {
    // Mutations publish wake-ups: their request context (entity manager, viewer) must not reach the listeners.
    const inOwnContext = AsyncLocalStorage.snapshot();
    const hear: Listener = (message) => inOwnContext(listener, message as M[T]);
    const hearing = this.byTopic.get(topic) ?? new Set();
    this.byTopic.set(topic, hearing.add(hear));
    return () => void hearing.delete(hear);
  }

  /** Calls the listeners after the current call stack, in the order of the calls. */
  deliver<T extends keyof M>(topic: T, message: M[T]): void {
    queueMicrotask(() => {
      const hearing = this.byTopic.get(topic);
      for (const hear of Array.from(hearing ?? [])) {
        if (!hearing?.has(hear)) continue; // removed by a listener before it
        try {
          hear(message);
        } catch (error) {
          this.log.warn(`A listener of "${String(topic)}" threw: ${String(error)}`);
        }
      }
    });
  }

  clear(): void {
    for (const hearing of this.byTopic.values()) hearing.clear();
    this.byTopic.clear();
  }
}
