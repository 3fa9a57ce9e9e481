// Interface of a normalized cache for `useLive`: stores the data and applies events to it.
import type { AnyDocument, Json, Variables } from './document.js';

export interface LiveCache {
  /** The document as it must be sent, such as with `__typename`. */
  prepare(document: AnyDocument): AnyDocument;
  /** Called before a snapshot is requested. Events applied after this call are newer than the snapshot. */
  began(): unknown;
  write(document: AnyDocument, variables: Variables, data: Json, began: unknown): void;
  /** Schedules the write of an event. */
  fold(document: AnyDocument, variables: Variables, data: Json): void;
  /** Removes a project that the account lost access to. */
  lose(projectId: string): void;
  /** Calls `listener` with the cached data, now and after each change. `isComplete`: the cache has all selected fields. */
  watch(document: AnyDocument, variables: Variables, listener: (data: Json, isComplete: boolean) => void): () => void;
}
