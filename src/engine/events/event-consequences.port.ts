// Port: what the domain stores because of an event, in the event's own transaction: neither is there without the other.
import type { EntityManager } from '@mikro-orm/postgresql';
import type { EventDraft } from './log-event.js';

/** Where the next event of the log will be. */
export interface NextPlace {
  readonly pos: number;
  /** The database's clock, in ms since 1970. */
  readonly at: number;
}

export interface EventConsequences {
  /**
   * Stores what follows from `drafts`, which are about to be appended by the transaction of `em`, and returns the events to
   * append behind them. What it leaves in `em` is flushed with the events that it returns. It runs again when the transaction does.
   * What must be in the order of the log asks for its place with `nextPlace`: from then on everyone else waits, so it is asked for
   * only if something follows.
   */
  follow(
    em: EntityManager,
    drafts: readonly EventDraft[],
    nextPlace: () => Promise<NextPlace>,
  ): Promise<readonly EventDraft[]>;
}

/** Nothing follows. */
export const NO_CONSEQUENCES: EventConsequences = { follow: () => Promise.resolve([]) };

export const EVENT_CONSEQUENCES = Symbol('EventConsequences');
