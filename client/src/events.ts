// Events as an async iterator, for programs. Buffers at most 500 events for a slow consumer.
import { type Json } from './document.js';
import { eventOf } from './event.js';
import { failure } from './errors.js';
import type { Feeds } from './feeds.js';
import type { Requests } from './request.js';

export interface EventsOptions {
  /** Cursor of the last processed event. Default: only new events. */
  readonly after?: string | undefined;
  /** Default: all projects that the account may see. */
  readonly projectId?: string | undefined;
  /** Ends the loop. */
  readonly signal?: AbortSignal | undefined;
  /** Selection set of an event; `cursor` is always added. */
  readonly selection?: string;
  /** Includes events caused by this session. Default: true. */
  readonly includeOwn?: boolean;
}

const SELECTION = `seq kind at subjectId actor { id name } project { id key name health }
update { id title body health createdAt } comment { id body createdAt update { id } } member { role user { id name } }`;
/** Maximum number of buffered events. A full buffer stops the subscription; it resumes when the buffer is empty. */
const MAX_BUFFERED = 500;

export async function* events(
  requests: Requests,
  feeds: Feeds,
  options: EventsOptions = {},
): AsyncGenerator<Json, void, void> {
  const { projectId: id, signal, selection = SELECTION, includeOwn: own = true } = options;
  const query = `subscription ($after: String, $own: Boolean${id ? ', $id: ID!' : ''}) {
${id ? 'projectUpdated(projectId: $id, ' : 'projectsUpdated('}after: $after, includeOwn: $own) { cursor ${selection} } }`;
  // Starts at the current head of the log, so that events during the connection set-up are not missed.
  const head = id
    ? 'query ($id: ID) { of: project(id: $id) { lastCursor } }'
    : '{ of: projects(first: 1) { lastCursor } }';
  let { after } = options;
  if (after === undefined) {
    const first = requests.request(head, { id }, { signal }).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
    after = ((await first) as Json)?.of.lastCursor;
  }
  const queue: Json[] = [];
  let end: { readonly error?: Error } | undefined;
  let arrived: (() => void) | undefined;
  let stop: (() => void) | undefined;
  const unsubscribe = (): void => {
    stop?.();
    stop = undefined;
  };
  const finish = (error?: Error): void => {
    end ??= error ? { error } : {};
    arrived?.();
  };
  const buffer = (event: Json): void => {
    after = event.cursor;
    if (queue.push(event) >= MAX_BUFFERED) unsubscribe();
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
              next: ({ data, errors = [] }) => (eventOf(data) ? buffer(eventOf(data)) : finish(failure(errors))),
              error: finish,
              complete: () => finish(),
            },
          );
        });
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    unsubscribe();
  }
}
