// What a normalized cache does for `useLive`: it keeps the data, and folds events into it.
import type { AnyDocument, Json, Variables } from './document.js';

export interface LiveCache {
  /** The document as the cache wants it asked. */
  prepare(document: AnyDocument): AnyDocument;
  /** Called before a snapshot is asked for: events that are folded in from then on are newer. */
  began(): unknown;
  write(document: AnyDocument, variables: Variables, data: Json, began: unknown): void;
  /** Folds the data of an event in, soon. */
  fold(document: AnyDocument, data: Json): void;
  /** What the account may not see any more. */
  lose(projectId: string): void;
  /** Calls back with what there is, now and whenever it changes; `isComplete`: whether all that is asked for is there. */
  watch(document: AnyDocument, variables: Variables, listener: (data: Json, isComplete: boolean) => void): () => void;
}
