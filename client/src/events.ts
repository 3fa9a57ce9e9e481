// Events as an async iterator, for programs. A consumer that is slower than they come holds 500 of them at most.
import { type Json } from './document.js';
import { eventOf } from './event.js';
import { OperationFailed } from './errors.js';
import type { Feeds } from './feeds.js';
import type { Requests } from './request.js';

export interface EventsOptions {
  /** Cursor of the last event that was processed; absent: from now on. */
  readonly after?: string | undefined;
  /** Absent: all projects that the account may see. */
  readonly projectId?: string | undefined;
  /** Ends the loop. */
  readonly signal?: AbortSignal | undefined;
  /** What to read of each event; `cursor` is always there. */
  readonly selection?: string;
  /** Also what this session has caused. */
  readonly includeOwn?: boolean;
}

const SELECTION = `seq kind at subjectId actor { id name } project { id key name health }
update { id title body health createdAt } comment { id body createdAt update { id } } member { role user { id name } }`;
/** Beyond it the subscription is left, and taken up again when these are processed. */
const MOST = 500;

export async function* events(
  requests: Requests,
  feeds: Feeds,
  options: EventsOptions = {},
): AsyncGenerator<Json, void, void> {
  const { projectId: id, signal, selection = SELECTION, includeOwn: own = true } = options;
  const query = `subscription ($after: String, $own: Boolean${id ? ', $id: ID!' : ''}) {
${id ? 'projectUpdated(projectId: $id, ' : 'projectsUpdated('}after: $after, includeOwn: $own) { cursor ${selection} } }`;
  // What happens while the socket is being opened is not missed.
  const head = id
    ? 'query ($id: ID) { of: project(id: $id) { lastCursor } }'
    : '{ of: projects(first: 1) { lastCursor } }';
  let after = options.after ?? ((await requests.request(head, { id }, { signal })) as Json).of.lastCursor;
  const queue: Json[] = [];
  let end: { readonly error?: Error } | undefined;
  let arrived: (() => void) | undefined;
  let stop: (() => void) | undefined;
  const leave = (): void => {
    stop?.();
    stop = undefined;
  };
  const finish = (error?: Error): void => {
    end ??= error ? { error } : {};
    arrived?.();
  };
  const take = (event: Json): void => {
    after = event.cursor;
    if (queue.push(event) >= MOST) leave();
    arrived?.();
  };
  const abort = (): void => arrived?.();
  signal?.addEventListener('abort', abort);
  try {
    for (;;) {
      if (signal?.aborted) return;
      if (queue.length > 0) yield queue.shift();
      else if (end?.error) throw end.error;
      else if (end) return;
      else
        await new Promise<void>((resolve) => {
          arrived = resolve;
          stop ??= feeds.subscribe(
            { query, variables: { after, own, id } },
            {
              next: ({ data, errors = [] }) =>
                eventOf(data) ? take(eventOf(data)) : finish(new OperationFailed(errors)),
              error: (error) => finish(error instanceof Error ? error : new OperationFailed(error)),
              complete: () => finish(),
            },
          );
        });
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    leave();
  }
}
