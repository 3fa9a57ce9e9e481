// Subscriptions that resume from their cursor. Equal ones share one subscription at the service; later subscribers miss no event.
import { canResume } from './document.js';
import { eventOf } from './event.js';
import { failure, type GraphqlError, isPassing, retryAfterOf, signedOut, type TidingsError } from './errors.js';
import type { Payload, Result } from './post.js';
import { jitter, pause, safely } from './safely.js';
import type { Session } from './session.js';
import type { Sink, Socket } from './socket.js';

/** Number of events kept for later subscribers, and of cursors kept to detect duplicates. */
const MAX_LOGGED = 512;

export interface Feeds {
  readonly socket: Socket;
  /** Current position in the shared feed of equal subscriptions, to pass to `subscribe`. */
  mark(payload: Payload): number | undefined;
  /** Calls `sink` until the returned function is called or the subscription has ended. */
  readonly subscribe: (payload: Payload, sink: Sink, mark?: number) => () => void;
}

/** One object per call of `subscribe`, since the same sink may be passed twice. */
interface Subscription {
  readonly sink: Sink;
}

interface Feed {
  total(): number;
  /** Position after the cursor `after`, or at `mark`; undefined if this feed does not cover it. */
  positionOf(after: unknown, mark?: number): number | undefined;
  join(sink: Sink, from: number): () => void;
}

export function openFeeds(socket: Socket, session: Session): Feeds {
  const feeds = new Map<string, Feed>();
  return {
    socket,
    mark: (payload) => feeds.get(keyOf(payload))?.total(),
    subscribe(payload, sink, mark) {
      if (!canResume(payload.query)) return socket.run(() => payload, sink);
      const key = keyOf(payload);
      const running = feeds.get(key);
      const from = running?.positionOf(payload.variables?.['after'], mark);
      if (running && from !== undefined) return running.join(sink, from);
      const feed = openFeed(payload, () => feeds.get(key) === feed && feeds.delete(key));
      // A feed that starts at another cursor runs beside the shared one and is not shared.
      if (!running) feeds.set(key, feed);
      return feed.join(sink, 0);
    },
  };

  function openFeed(payload: Payload, forget: () => void): Feed {
    const start = payload.variables?.['after'];
    let after = start;
    /** The last events of the feed. */
    const log: { readonly cursor: string; readonly result: Result }[] = [];
    let dropped = 0;
    const seen = new Set<string>();
    const sinks = new Set<Subscription>();
    /** Subscribers that have not received the earlier events yet. */
    const joining = new Set<Subscription>();
    let errors: readonly GraphqlError[] | undefined;
    let failures = 0;
    const { signal } = session.life;
    /** Stops the running subscription, or the wait before a retry. */
    let stop = run();

    function run(): () => void {
      return socket.run(() => ({ ...payload, variables: { ...payload.variables, after } }), {
        next,
        error: (error) => void failed(error),
        // Advances the cursor of a feed without events.
        upTo: (cursor) => (after = cursor),
        complete: () => (errors ? void failed(failure(errors)) : end((sink) => sink.complete())),
      });
    }

    function next(result: Result): void {
      const cursor: string | undefined = eventOf(result.data)?.cursor;
      // Errors without an event are delivered. If `complete` follows, they are the reason for the end.
      errors = cursor ? undefined : result.errors;
      if (cursor) {
        if (seen.has(cursor)) return;
        seen.add(cursor);
        log.push({ cursor, result });
        if (log.length > MAX_LOGGED) {
          seen.delete(log.shift()!.cursor);
          dropped += 1;
        }
        after = cursor;
        failures = 0;
      }
      // Subscribers that join during this loop receive the event from the log.
      const told = [...sinks];
      for (const own of told) if (sinks.has(own)) safely(() => own.sink.next(result));
    }

    async function failed(error: TidingsError): Promise<void> {
      errors = undefined;
      const { code } = error;
      const isToken = code === 'UNAUTHENTICATED' && failures < 3 && session.signedIn && !session.isClosed;
      if (!isToken && !isPassing(code)) return end((sink) => sink.error(error));
      const over = new AbortController();
      stop = () => over.abort();
      const ms = 1_000 * (retryAfterOf(error.errors) ?? 0) + jitter(failures);
      failures += 1;
      socket.delay(1);
      await pause(ms, AbortSignal.any([over.signal, signal]));
      socket.delay(-1);
      if (signal.aborted) return end((sink) => sink.error(signedOut()));
      if (isToken) await socket.renew();
      if (sinks.size + joining.size > 0) stop = run();
    }

    function end(tell: (sink: Sink) => void): void {
      forget();
      const told = [...sinks, ...joining];
      sinks.clear();
      joining.clear();
      for (const { sink } of told) safely(() => tell(sink));
    }

    const total = (): number => dropped + log.length;
    return {
      total,
      positionOf(from, mark) {
        const at = log.findIndex(({ cursor }) => cursor === from);
        if (at >= 0) return dropped + at + 1;
        if (mark !== undefined) return mark >= dropped ? mark : undefined;
        if (from == null || from === after) return total();
        return from === start && dropped === 0 ? 0 : undefined;
      },
      join(sink, from) {
        const own = { sink };
        const missed = log.slice(Math.max(0, from - dropped));
        (missed.length === 0 ? sinks : joining).add(own);
        // After the caller has the function to unsubscribe, and before another message can arrive.
        queueMicrotask(() => {
          if (!joining.delete(own)) return;
          sinks.add(own);
          for (const { result } of missed) if (sinks.has(own)) safely(() => sink.next(result));
        });
        return () => {
          if (!(sinks.delete(own) || joining.delete(own)) || sinks.size + joining.size > 0) return;
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
