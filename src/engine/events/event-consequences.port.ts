// Port: what the domain stores because of an event, atomically in the event's transaction.
import type { EntityManager } from '@mikro-orm/postgresql';
import type { EventDraft } from './log-event.js';

/** Returns further events that follow from `drafts`, which the transaction of `em` is about to append. It runs again when that is repeated. */
export type Following = (em: EntityManager, drafts: readonly EventDraft[]) => Promise<readonly EventDraft[]>;

export interface EventConsequences {
  /**
   * Name of the database function `(drafts jsonb) returns setof json` that ends every transaction with events: it stores what they carry for
   * it (`stored`), and appends them by `log_append_v1`. While it runs, all other writers wait.
   */
  readonly append: string;
  readonly follow: Following;
}

/** There are no consequences. */
export const NO_CONSEQUENCES: EventConsequences = { append: 'log_append_v1', follow: () => Promise.resolve([]) };

export const EVENT_CONSEQUENCES = Symbol('EventConsequences');
