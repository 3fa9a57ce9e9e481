// Queue of events to write into the cache. Writes in short tasks to keep rendering smooth. Repeats events over answers that are older.
import type { DocumentNode, InMemoryCache } from '@apollo/client';
import type { AnyDocument, Json, Variables } from '../document.js';
import { fold as writeEvent } from './fold.js';

/** ms of writing per task. Notifying the watchers takes about as long again. */
const TASK_MS = 8;
/** Number of events kept to be written again over pending answers. */
const MAX_LOGGED = 2_000;
/** Number of events after which Apollo's garbage collection runs. Each event leaves about 10 KB of cached read results. */
const GC_INTERVAL = 500;

export interface EventWriter {
  /** Marks the begin of a request. */
  readonly began: () => number;
  /** Writes an answer with `write`, then repeats the events that arrived since the request began. */
  readonly writeSnapshot: (began: number, write: () => void) => void;
  /** Schedules the write of an event. */
  fold(query: AnyDocument, variables: Variables, data: Json): void;
  /** Discards queued events when the account changes. */
  clear(): void;
}

export function eventWriter(cache: InMemoryCache): EventWriter {
  /** `first`: number of the oldest event in `log`; `next`: number of the next event to write. */
  let log: (() => void)[] = [];
  let first = 0;
  let next = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const total = (): number => first + log.length;

  function flush(): void {
    const end = Date.now() + TASK_MS;
    cache.batch({
      update() {
        while (next < total() && Date.now() < end) log[next++ - first]!();
      },
    });
    timer = next < total() ? setTimeout(flush) : undefined;
    if (next - first < MAX_LOGGED + GC_INTERVAL) return;
    log.splice(0, GC_INTERVAL);
    first += GC_INTERVAL;
    cache.gc({ resetResultCache: true });
  }

  return {
    began: total,
    writeSnapshot: (began, write) =>
      cache.batch({
        update() {
          write();
          for (let at = Math.max(began, first); at < next; at += 1) log[at - first]!();
        },
      }),
    fold(query, variables, data) {
      log.push(() => {
        // A field policy of the application may throw. This reports it as an unhandled rejection, and the next event is written.
        void (async () => writeEvent(cache, query as unknown as DocumentNode, variables, data))();
      });
      timer ??= setTimeout(flush);
    },
    clear() {
      first = next = total();
      log = [];
    },
  };
}
