// Port: what the domain stores because of an event, atomically in the event's transaction.
import type { EntityManager } from '@mikro-orm/postgresql';
import type { EventDraft } from './log-event.js';

/** The position of the next event of the log. */
export interface NextPlace {
  readonly pos: number;
  /** The database's clock, in ms since 1970. */
  readonly at: number;
}

export interface EventConsequences {
  /**
   * Stores the consequences of `drafts`, which the transaction of `em` is about to append, and returns further events to
   * append. Entities left in `em` are flushed with them. It runs again when the transaction is retried. Rows that need log order
   * call `nextPlace`, which makes all other writers wait, so only if there are consequences.
   */
  follow(
    em: EntityManager,
    drafts: readonly EventDraft[],
    nextPlace: () => Promise<NextPlace>,
  ): Promise<readonly EventDraft[]>;
}

/** There are no consequences. */
export const NO_CONSEQUENCES: EventConsequences = { follow: () => Promise.resolve([]) };

export const EVENT_CONSEQUENCES = Symbol('EventConsequences');
