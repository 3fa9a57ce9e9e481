// Subscriptions that go on where they were: equal ones share one at the service, and who comes later misses nothing.
import { canResume } from './document.js';
import { eventOf } from './event.js';
import { codeOf, type GraphqlError, isPassing, retryAfterOf } from './errors.js';
import type { Payload, Result } from './post.js';
import type { Refresh } from './refresh.js';
import { jitter, safely } from './safely.js';
import type { Session } from './session.js';
import type { Sink, Socket } from './socket.js';

/** Events that are kept for those who come later, and cursors by which repetitions are known. */
const KEPT = 512;

export interface Feeds {
  readonly socket: Socket;
  /** A place in what comes to those who ask for the same: `subscribe` from there on. */
  mark(payload: Payload): number | undefined;
  /** Calls `sink` until the returned function is called, or it is told that the subscription has ended. */
  readonly subscribe: (payload: Payload, sink: Sink, mark?: number) => () => void;
}

interface Feed {
  total(): number;
  /** Where somebody begins who has everything up to `after`, or asks from `mark` on; undefined: it is not known here. */
  placeOf(after: unknown, mark?: number): number | undefined;
  join(sink: Sink, from: number): () => void;
}

export function openFeeds(socket: Socket, session: Session, refresh: Refresh): Feeds {
  const feeds = new Map<string, Feed>();
  return {
    socket,
    mark: (payload) => feeds.get(keyOf(payload))?.total(),
    subscribe(payload, sink, mark) {
      if (!canResume(payload.query)) return socket.run(() => payload, sink);
      const key = keyOf(payload);
      const running = feeds.get(key);
      const from = running?.placeOf(payload.variables?.['after'], mark);
      if (running && from !== undefined) return running.join(sink, from);
      const feed = openFeed(payload, () => feeds.get(key) === feed && feeds.delete(key));
      // It has a life of its own beside one that has begun elsewhere.
      if (!running) feeds.set(key, feed);
      return feed.join(sink, 0);
    },
  };

  function openFeed(payload: Payload, forget: () => void): Feed {
    const start = payload.variables?.['after'];
    let after = start;
    /** Events since it began, the oldest ones dropped. */
    const log: { readonly cursor: string; readonly result: Result }[] = [];
    let dropped = 0;
    const seen = new Set<string>();
    const sinks = new Set<Sink>();
    /** Those who are still to be told what was before them. */
    const joining = new Set<Sink>();
    let errors: readonly GraphqlError[] | undefined;
    let failures = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stop = run();

    function run(): () => void {
      return socket.run(() => ({ ...payload, variables: { ...payload.variables, after } }), {
        next,
        error: failed,
        // Quiet feeds move on too.
        upTo: (cursor) => (after = cursor),
        complete: () => (errors ? failed(errors) : end((sink) => sink.complete())),
      });
    }

    function next(result: Result): void {
      const cursor: string | undefined = eventOf(result.data)?.cursor;
      // Errors without an event are told, and told again as the end if that is what follows.
      errors = cursor ? undefined : result.errors;
      if (cursor) {
        if (seen.has(cursor)) return;
        seen.add(cursor);
        log.push({ cursor, result });
        if (log.length > KEPT) {
          seen.delete(log.shift()!.cursor);
          dropped += 1;
        }
        after = cursor;
        failures = 0;
      }
      // Who joins meanwhile has it from the log.
      const told = [...sinks];
      for (const sink of told) if (sinks.has(sink)) safely(() => sink.next(result));
    }

    function failed(error: readonly GraphqlError[] | Error): void {
      errors = undefined;
      const answered = error instanceof Error ? undefined : error;
      const code = codeOf(answered) ?? '';
      const isToken = code === 'UNAUTHENTICATED' && failures < 3 && session.signedIn;
      if (!isToken && !isPassing(code)) return end((sink) => sink.error(error));
      timer = setTimeout(() => void again(isToken), 1_000 * (retryAfterOf(answered) ?? 0) + jitter(failures));
      failures += 1;
    }

    /** `isToken`: the socket has outlived its own token, by which subscriptions are opened. */
    async function again(isToken: boolean): Promise<void> {
      if (isToken) {
        await refresh.renew(session.version);
        socket.restart();
      }
      if (sinks.size + joining.size > 0) stop = run();
    }

    function end(tell: (sink: Sink) => void): void {
      forget();
      const told = [...sinks, ...joining];
      sinks.clear();
      joining.clear();
      for (const sink of told) safely(() => tell(sink));
    }

    const total = (): number => dropped + log.length;
    return {
      total,
      placeOf(from, mark) {
        const at = log.findIndex(({ cursor }) => cursor === from);
        if (at >= 0) return dropped + at + 1;
        if (mark !== undefined) return mark >= dropped ? mark : undefined;
        if (from == null || from === after) return total();
        return from === start && dropped === 0 ? 0 : undefined;
      },
      join(sink, from) {
        const own: Sink = { next: (r) => sink.next(r), error: (e) => sink.error(e), complete: () => sink.complete() };
        const missed = log.slice(Math.max(0, from - dropped));
        (missed.length === 0 ? sinks : joining).add(own);
        // Not before the caller knows how to stop it, and before anything else can arrive.
        queueMicrotask(() => {
          if (!joining.delete(own)) return;
          sinks.add(own);
          for (const { result } of missed) if (sinks.has(own)) safely(() => own.next(result));
        });
        return () => {
          if (![sinks, joining].map((set) => set.delete(own)).includes(true) || sinks.size + joining.size > 0) return;
          clearTimeout(timer);
          forget();
          stop();
        };
      },
    };
  }
}

function keyOf({ query, variables, operationName }: Payload): string {
  const own = Object.entries(variables ?? {}).filter(([name]) => name !== 'after');
  return JSON.stringify([query, operationName, own.sort(([one], [other]) => (one < other ? -1 : 1))]);
}
