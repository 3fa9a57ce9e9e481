// A snapshot and every event after it. The snapshot is read again only if events are missing or access rights changed.
import { isLive } from './connection.js';
import { type Document, type Json, textOf, type Variables } from './document.js';
import { eventOf } from './event.js';
import { failure, type GraphqlError, isPassing, retryAfterOf, signedOut, type TidingsError } from './errors.js';
import type { Feeds } from './feeds.js';
import type { Result } from './post.js';
import type { Requests } from './request.js';
import { jitter, pause, safely } from './safely.js';
import type { Session } from './session.js';

export type Path = readonly (string | number)[];
export type LiveStatus = 'loading' | 'live' | 'stale' | 'ended';

/**
 * Why it ended. `lost`: the account lost access to the resource; `signed-out`: nobody is signed in; `failed`: the service refused an
 * operation; `completed`: the service ended the subscription.
 */
export interface LiveEnd {
  readonly reason: 'lost' | 'signed-out' | 'failed' | 'completed';
  readonly error: TidingsError | undefined;
}

export interface LiveOptions<Data = Json, Event = Json, Vars = Variables> {
  /** Must select `lastCursor`. */
  readonly snapshot: Document<Data, Vars>;
  /** Must take `$after` and select `cursor`. */
  readonly subscription: Document<Event, never>;
  readonly variables?: Vars;
  /** Called before each request of the snapshot. */
  readonly onRead?: () => void;
  /** `refused`: paths of the fields that this account may not see. They are null in `data`. */
  readonly onSnapshot?: (data: Data, info: { readonly refused: readonly Path[] }) => void;
  readonly onEvent?: (event: Json, result: Result) => void;
  readonly onEnd?: (end: LiveEnd) => void;
  readonly onStatus?: (status: LiveStatus) => void;
  /** The role or membership of the account changed. A new snapshot or the end follows. */
  readonly onAccess?: (change: AccessChange) => void;
}

export interface AccessChange {
  readonly projectId: string | null;
  readonly role: string | null;
  readonly cursor: string;
}

export interface Live {
  /** Stops it. No callback is called afterwards. */
  stop(): void;
  /** Reads the snapshot again. */
  readAgain(): Promise<void>;
}

/** Maximum number of events held during a read. If there are more, the snapshot is read once more. */
const MAX_HELD = 512;
const REASONS: Readonly<Record<string, LiveEnd['reason']>> = {
  UNAUTHENTICATED: 'signed-out',
  NOT_FOUND: 'lost',
  FORBIDDEN: 'lost',
};

/** Dependencies of `live`. */
export interface LiveParts {
  readonly requests: Requests;
  readonly feeds: Feeds;
  readonly session: Session;
  readonly watchAccess: (listener: (change: AccessChange) => void) => () => void;
}

export function goLive({ requests, feeds, session, watchAccess }: LiveParts, options: LiveOptions): Live {
  const { snapshot, variables } = options;
  const { connection } = feeds.socket;
  const query = textOf(options.subscription);
  // Without the events of this session, `seq` has gaps that are no loss.
  const skipsOwn = variables?.['includeOwn'] === false || /includeOwn *: *false/.test(query);
  const life = new AbortController();
  const { signal } = life;
  let status: LiveStatus = 'loading';
  let stopFeed: (() => void) | undefined;
  let isReading = false;
  let mustReadAgain = false;
  let wasRead = false;
  /** Whether events are missing until the next snapshot. */
  let isMissing = false;
  let isList = false;
  const projects = new Set<string>();
  const seqs = new Map<string, number>();
  /** Events that arrived during a read of the snapshot. They are delivered after it. */
  const held: Result[] = [];
  const stops = [connection.subscribe(judge), watchAccess(accessChanged)];
  session.life.signal.addEventListener('abort', () => finish(signedOut()), { signal });
  void readAgain();

  async function readAgain(): Promise<void> {
    mustReadAgain = true;
    if (isReading) return;
    isReading = true;
    for (let failures = 0; mustReadAgain && !signal.aborted; failures += 1) {
      mustReadAgain = false;
      const error = await read().catch((reason: TidingsError) => reason);
      if (!error || signal.aborted) continue;
      if (!isPassing(error.code)) return finish(error);
      mustReadAgain = true;
      await pause(1_000 * (retryAfterOf(error.errors) ?? 0.25) + jitter(failures), signal);
    }
    isReading = false;
    for (const result of held.splice(0)) next(result);
    judge();
  }

  async function read(): Promise<TidingsError | undefined> {
    const mark = feeds.mark({ query, variables });
    safely(() => options.onRead?.());
    const { data, errors } = await requests.execute(snapshot, variables, { signal });
    const roots: Json[] = Object.values(data ?? {});
    const after = roots.find((root) => root?.lastCursor)?.lastCursor as string | undefined;
    if (!after) return failure(errors ?? [{ message: 'The snapshot selects no lastCursor.' }], data);
    seqs.clear();
    isList = roots.some((root) => root?.edges || root?.nodes);
    for (const root of roots) projects.add(root?.id);
    wasRead = true;
    // Drops the events that the snapshot includes.
    held.splice(0, held.findIndex((result) => eventOf(result.data)?.cursor === after) + 1);
    isMissing = false;
    safely(() => options.onSnapshot?.(data, { refused: refusedOf(errors) }));
    if (signal.aborted) return undefined;
    stopFeed ??= feeds.subscribe(
      { query, variables: { ...variables, after } },
      {
        next: (result) => (isReading ? hold(result) : next(result)),
        error: failed,
        complete: () => finish(),
      },
      mark,
    );
    return undefined;
  }

  function hold(result: Result): void {
    if (held.push(result) <= MAX_HELD) return;
    held.length = 0;
    mustReadAgain = true;
  }

  function next(result: Result): void {
    const event = eventOf(result.data);
    // An event that could not be executed counts as missing.
    if (!event || event.skipped > 0 || jumps(event)) gap();
    if (event && !signal.aborted) safely(() => options.onEvent?.(event, result));
  }

  function gap(): void {
    feeds.socket.hadGap = isMissing = true;
    judge();
    void readAgain();
  }

  /** Whether events of the project are missing before this one. */
  function jumps({ seq, project }: Json): boolean {
    const before = seqs.get(project?.id);
    if (project?.id && !(before! >= seq)) seqs.set(project.id, seq);
    return !skipsOwn && seq > before! + 1;
  }

  function failed(error: TidingsError): void {
    stopFeed = undefined;
    if (error.code === 'CURSOR_EXPIRED') gap();
    else finish(error);
  }

  function accessChanged(change: AccessChange): void {
    if (change.projectId !== null && !isList && !projects.has(change.projectId)) return;
    safely(() => options.onAccess?.(change));
    void readAgain();
  }

  /** Updates the status. `stale`: it was live before, or the socket is closed. */
  function judge(): void {
    const now = connection.get();
    if (!wasRead) return;
    if (isLive(now) && !isMissing) become('live');
    else if (status !== 'loading' || now.socket === 'closed') become('stale');
  }

  function become(now: LiveStatus): void {
    if (status === now || signal.aborted) return;
    status = now;
    safely(() => options.onStatus?.(now));
  }

  function stop(): void {
    life.abort();
    stopFeed?.();
    for (const end of stops.splice(0)) end();
  }

  function finish(error?: TidingsError): void {
    if (signal.aborted) return;
    become('ended');
    stop();
    const reason = error ? (REASONS[error.code] ?? 'failed') : 'completed';
    safely(() => options.onEnd?.({ reason, error }));
  }

  return { stop, readAgain };
}

/** Paths of the fields that the account may not see. */
export const refusedOf = (errors: readonly GraphqlError[] = []): Path[] =>
  errors.flatMap(({ path, extensions }) => (path && extensions?.code === 'FORBIDDEN' ? [path] : []));
