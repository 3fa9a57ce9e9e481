// Port: what the domain stores because of an event, in the event's own transaction: neither is there without the other.
import type { EntityManager } from '@mikro-orm/postgresql';
import type { EventDraft } from './log-event.js';

export interface EventConsequences {
  /**
   * Stores what follows from `drafts`, which are about to be appended by the transaction of `em`, and returns the events to
   * append behind them. Whatever it leaves in `em` is flushed. It runs again when the transaction does.
   */
  follow(em: EntityManager, drafts: readonly EventDraft[]): readonly EventDraft[];
}

/** Nothing follows. */
export const NO_CONSEQUENCES: EventConsequences = { follow: () => [] };

export const EVENT_CONSEQUENCES = Symbol('EventConsequences');
