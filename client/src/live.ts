// A snapshot, and every event after it. Read again only where events are missing, or where rights have changed.
import { isLive } from './connection.js';
import { type Document, type Json, textOf, type Variables } from './document.js';
import { eventOf } from './event.js';
import { codeOf, type GraphqlError, isPassing, OperationFailed, SignedOut } from './errors.js';
import type { Feeds } from './feeds.js';
import type { Result } from './post.js';
import type { Requests } from './request.js';
import { jitter, pause, safely } from './safely.js';

export type Path = readonly (string | number)[];
export type LiveStatus = 'loading' | 'live' | 'stale' | 'ended';

/** Why it has ended: what it shows is lost, nobody is signed in, it was asked wrongly, the service has ended it. */
export interface LiveEnd {
  readonly reason: 'lost' | 'signed-out' | 'failed' | 'completed';
  readonly error?: Error;
}

export interface LiveOptions<Data = Json, Event = Json, Vars = Variables> {
  /** Selects `lastCursor`. */
  readonly snapshot: Document<Data, Vars>;
  /** Takes `$after`, and selects `cursor`. */
  readonly subscription: Document<Event, never>;
  readonly variables?: Vars;
  /** The snapshot is about to be read. */
  readonly onRead?: () => void;
  /** `refused`: paths of what this account may not see, null there. */
  readonly onSnapshot?: (data: Data, info: { readonly refused: readonly Path[] }) => void;
  readonly onEvent?: (event: Json, result: Result) => void;
  readonly onEnd?: (end: LiveEnd) => void;
  readonly onStatus?: (status: LiveStatus) => void;
  /** The role of the account, or its membership, has changed: a new snapshot follows, or the end. */
  readonly onAccess?: (change: AccessChange) => void;
}

export interface AccessChange {
  readonly projectId: string | null;
  readonly role: string | null;
  readonly cursor: string;
}

export interface Live {
  /** Ends it; nothing is called any more. */
  stop(): void;
  /** Reads the snapshot anew. */
  readAgain(): Promise<void>;
}

/** What it is built of. */
export interface LiveParts {
  readonly requests: Requests;
  readonly feeds: Feeds;
  readonly watchAccess: (listener: (change: AccessChange) => void) => () => void;
}

export function goLive({ requests, feeds, watchAccess }: LiveParts, options: LiveOptions): Live {
  const { snapshot, variables } = options;
  const { connection } = feeds.socket;
  const query = textOf(options.subscription);
  // Events that this session has caused are missing then, and are not.
  const skipsOwn = variables?.['includeOwn'] === false || /includeOwn *: *false/.test(query);
  const life = new AbortController();
  const { signal } = life;
  let status: LiveStatus = 'loading';
  let stopFeed: (() => void) | undefined;
  let isReading = false;
  let mustReadAgain = false;
  let wasRead = false;
  /** Events are missing, until the snapshot has been read again. */
  let isMissing = false;
  let isList = false;
  const projects = new Set<string>();
  const seqs = new Map<string, number>();
  /** What arrived while the snapshot was read again: it is told after it. */
  const held: Result[] = [];
  const stops = [connection.subscribe(judge), watchAccess(accessChanged)];
  void readAgain();

  async function readAgain(): Promise<void> {
    mustReadAgain = true;
    if (isReading) return;
    isReading = true;
    for (let failures = 0; mustReadAgain && !signal.aborted; failures += 1) {
      mustReadAgain = false;
      const error = await read().catch((failure: unknown) => failure as Error);
      if (!error || signal.aborted) continue;
      if (error instanceof SignedOut || (error instanceof OperationFailed && !isPassing(error.code)))
        return finish(error);
      mustReadAgain = true;
      await pause(250 + jitter(failures), signal);
    }
    isReading = false;
    for (const result of held.splice(0)) next(result);
    judge();
  }

  async function read(): Promise<Error | undefined> {
    const mark = feeds.mark({ query, variables });
    safely(() => options.onRead?.());
    const { data, errors } = await requests.execute(snapshot, variables, { signal });
    const roots: Json[] = Object.values(data ?? {});
    const after = roots.find((root) => root?.lastCursor)?.lastCursor as string | undefined;
    if (!after) return new OperationFailed(errors ?? [{ message: 'The snapshot selects no lastCursor.' }], data);
    seqs.clear();
    isList = roots.some((root) => root?.edges || root?.nodes);
    for (const root of roots) projects.add(root?.id);
    wasRead = true;
    isMissing = false;
    safely(() => options.onSnapshot?.(data, { refused: refusedOf(errors) }));
    if (signal.aborted) return undefined;
    stopFeed ??= feeds.subscribe(
      { query, variables: { ...variables, after } },
      {
        next: (result) => (isReading ? void held.push(result) : next(result)),
        error: failed,
        complete: () => finish(),
      },
      mark,
    );
    return undefined;
  }

  function next(result: Result): void {
    const event = eventOf(result.data);
    // An event that could not be shown is missing like one that was lost.
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

  function failed(error: readonly GraphqlError[] | Error): void {
    stopFeed = undefined;
    if (error instanceof Error) return finish(error);
    if (codeOf(error) === 'CURSOR_EXPIRED') gap();
    else finish(new OperationFailed(error));
  }

  function accessChanged(change: AccessChange): void {
    if (change.projectId !== null && !isList && !projects.has(change.projectId)) return;
    safely(() => options.onAccess?.(change));
    void readAgain();
  }

  function judge(): void {
    become(!wasRead ? 'loading' : isLive(connection.get()) && !isMissing ? 'live' : 'stale');
  }

  function become(now: LiveStatus): void {
    if (status === now || signal.aborted) return;
    status = now;
    safely(() => options.onStatus?.(now));
  }

  function stop(): void {
    life.abort();
    stopFeed?.();
    for (const end of stops) end();
  }

  function finish(error?: Error & { readonly code?: string }): void {
    become('ended');
    stop();
    const reason = !error
      ? 'completed'
      : error.code === 'UNAUTHENTICATED'
        ? 'signed-out'
        : error.code === 'NOT_FOUND' || error.code === 'FORBIDDEN'
          ? 'lost'
          : 'failed';
    safely(() => options.onEnd?.({ reason, ...(error ? { error } : {}) }));
  }

  return { stop, readAgain };
}

/** Paths of what the account may not see. */
export const refusedOf = (errors: readonly GraphqlError[] = []): Path[] =>
  errors.flatMap(({ path, extensions }) => (path && extensions?.code === 'FORBIDDEN' ? [path] : []));
