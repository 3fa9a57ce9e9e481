// Events on their way into the cache: a few at a time, so that no frame is late, and again after answers that are older than they.
import type { DocumentNode, InMemoryCache } from '@apollo/client';
import type { AnyDocument, Json } from '../document.js';
import { fold as writeEvent } from './fold.js';

/** ms of writing in one task; telling those who watch takes as long again. */
const BUDGET = 8;
/** Events that are kept for answers under way. */
const KEPT = 2_000;
/** Events after which Apollo forgets results of earlier reads, 10 KB each, and what nothing refers to. */
const UNTIDY = 500;

export interface Folding {
  /** A request begins. */
  readonly began: () => number;
  /** Its answer is written by `write`, and over it what has arrived since. */
  readonly over: (began: number, write: () => void) => void;
  /** An event: it is written soon. */
  fold(query: AnyDocument, data: Json): void;
  /** Another account: what was for the one before is forgotten. */
  clear(): void;
}

export function foldingInto(cache: InMemoryCache): Folding {
  /** `first`: the number of its first event; `next`: of the first one that is not in the cache. */
  let log: (() => void)[] = [];
  let first = 0;
  let next = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const total = (): number => first + log.length;

  function flush(): void {
    const end = Date.now() + BUDGET;
    cache.batch({
      update() {
        while (next < total() && Date.now() < end) log[next++ - first]!();
      },
    });
    timer = next < total() ? setTimeout(flush) : undefined;
    if (next - first < KEPT + UNTIDY) return;
    log.splice(0, UNTIDY);
    first += UNTIDY;
    cache.gc({ resetResultCache: true });
  }

  return {
    began: total,
    over: (began, write) =>
      cache.batch({
        update() {
          write();
          for (let at = Math.max(began, first); at < next; at += 1) log[at - first]!();
        },
      }),
    fold(query, data) {
      log.push(() => {
        // A policy of somebody else may throw: that is reported, and the next event is written.
        void (async () => writeEvent(cache, query as unknown as DocumentNode, data))();
      });
      timer ??= setTimeout(flush);
    },
    clear() {
      first = next = total();
      log = [];
    },
  };
}
