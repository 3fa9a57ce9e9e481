// A subscriber built on graphql-ws, as in an application: it reconnects to any instance that responds and resumes after
// the last cursor received. It records the events received and any violation of the delivery guarantees.
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { decodeCursor } from '../../src/engine/events/cursor.js';
import type { Dice } from './fault-dice.js';
import type { Teammate } from './fault-team.js';
import type { Data, GraphqlError } from './graphql-client.js';

export interface Watching {
  readonly who: Teammate;
  /** One project; absent: all visible projects. */
  readonly projectId?: string;
  readonly includeOwn?: boolean;
  /** Fields of each event to select, in addition to those that identify it. */
  readonly selection: string;
  /** Whether access to the project is revoked and restored: it then retries when refused, which is not a violation. */
  readonly comesAndGoes?: boolean;
  /** Whether it terminates the connection if there is no pong within {@link PONG_MS}. */
  readonly impatient?: boolean;
}

/** An event as received. */
export interface Arrival {
  readonly pos: number;
  readonly seq: number;
  readonly kind: string;
  readonly projectId: string;
  readonly subjectId: string;
  /** Title and internal note of the update: undefined without an update; the note also if it was withheld. */
  readonly title: string | undefined;
  readonly note: string | undefined;
  /** ms since 1970. */
  readonly at: number;
}

export const INTERNAL_NOTES = 'update { title internalNote }';
export const noteOf = (title: string) => `For editors: ${title}`;

const PING_MS = 1_000;
const PONG_MS = 1_500;
/** Bounds of the reconnect delay in ms: exponential backoff, with jitter to avoid simultaneous reconnects. */
const MIN_RECONNECT_MS = 50;
const MAX_RECONNECT_MS = 1_000;
/** ms between two attempts of a refused operation. */
const RETRY_MS = 200;
/**
 * Close codes after which a client reconnects: no reason given (1000, 1005, 1006), restart (1012), overload or
 * unavailable backend (1013), and initialisation timeout (4408), sent by an instance after SIGSTOP and SIGCONT.
 */
const CLOSES = new Set([1000, 1005, 1006, 1012, 1013, 4408]);

export class FaultSubscriber {
  readonly arrivals: Arrival[] = [];
  /** Violations of the delivery guarantees. */
  readonly violations: string[] = [];
  readonly closes = new Map<number, number>();
  connects = 0;
  /** Refusals for missing rights; those that ended a running operation; and those of them that left the socket open. */
  refusals = 0;
  removals = 0;
  kept = 0;
  /** Operations ended by a transient error; times that the subscriber stopped reading. */
  passing = 0;
  stalls = 0;
  /** ms since 1970. */
  startedAt = 0;
  private readonly variables: Record<string, unknown>;
  private readonly client: Client;
  private socket: WebSocket | undefined;
  private unsubscribe = () => {};
  private stopped = false;

  constructor(
    readonly name: string,
    readonly watching: Watching,
    readonly from: string,
    private readonly urls: readonly string[],
    private readonly dice: Dice,
  ) {
    const { projectId, includeOwn = true } = watching;
    this.variables = { after: from, own: includeOwn, ...(projectId ? { id: projectId } : {}) };
    this.client = this.stockClient();
  }

  /** Subscribes, and resubscribes whenever a transient error ends the operation. */
  start(): void {
    if (this.stopped) return;
    this.startedAt ||= Date.now();
    this.unsubscribe = this.client.subscribe<Data>(
      { query: documentOf(this.watching), variables: this.variables },
      {
        next: (result) => this.take(result as { data?: Data; errors?: readonly GraphqlError[] }),
        error: (error) => void this.ended(error),
        complete: () => {
          if (!this.stopped) this.violations.push('the operation was completed by the service');
        },
      },
    );
  }

  get last(): number {
    return this.arrivals.at(-1)?.pos ?? 0;
  }

  /** Stops reading from the current socket for `ms`. */
  async stall(ms: number): Promise<void> {
    const { socket } = this;
    this.stalls += 1;
    socket?.pause();
    await pause(ms);
    socket?.resume();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.unsubscribe();
    await this.client.dispose();
  }

  private stockClient(): Client {
    let turn = Math.floor(this.dice.between(0, this.urls.length));
    let patience: NodeJS.Timeout | undefined;
    return createClient({
      url: () => {
        turn += 1;
        return `${this.urls[turn % this.urls.length]!.replace(/^http/, 'ws')}/graphql`;
      },
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${this.watching.who.accessToken}` },
      shouldRetry: () => true,
      retryAttempts: Infinity,
      retryWait: (retries) =>
        pause(this.dice.between(0.5, 1.5) * Math.min(MIN_RECONNECT_MS * 2 ** retries, MAX_RECONNECT_MS)),
      // Keeps the client from closing its idle socket after a refusal: `ended` checks that the service left it open.
      lazyCloseTimeout: 10 * RETRY_MS,
      ...(this.watching.impatient ? { keepAlive: PING_MS } : {}),
      on: {
        opened: (socket) => {
          this.socket = socket as WebSocket;
        },
        connected: () => {
          this.connects += 1;
        },
        ping: (received) => {
          // Not client.terminate(): it would still process messages that a suspended instance sends on the abandoned
          // socket once it resumes. Browsers discard messages on a closing socket; ws emits them.
          if (!received) patience = setTimeout(() => this.socket?.terminate(), PONG_MS);
        },
        pong: () => clearTimeout(patience),
        closed: (event) => {
          clearTimeout(patience);
          const { code } = event as { code: number };
          this.closes.set(code, (this.closes.get(code) ?? 0) + 1);
          if (!CLOSES.has(code)) this.violations.push(`the socket was closed with ${code}`);
        },
      },
    });
  }

  private take({ data, errors = [] }: { data?: Data; errors?: readonly GraphqlError[] }): void {
    const at = Date.now();
    const event = data && Object.values(data as Record<string, Data>)[0];
    // A withheld note is null, with a FORBIDDEN error at its path. Any other error is a violation.
    const faults = errors.filter(
      ({ extensions, path }) => extensions.code !== 'FORBIDDEN' || path?.at(-1) !== 'internalNote',
    );
    if (!event || faults.length > 0) {
      this.violations.push(`in the place of an event after ${this.last}: ${JSON.stringify(errors)}`);
      return;
    }
    const { cursor, seq, kind, subjectId, project, update } = event;
    const { pos } = decodeCursor(cursor as string);
    const [title, note] = [update?.title ?? undefined, update?.internalNote ?? undefined];
    this.arrivals.push({ pos, seq, kind, projectId: project.id, subjectId, title, note, at });
    this.variables['after'] = cursor;
  }

  private async ended(error: unknown): Promise<void> {
    if (this.stopped) return;
    const codes = Array.isArray(error)
      ? (error as readonly GraphqlError[]).map(({ extensions }) => extensions.code)
      : [];
    const removed = codes.includes('FORBIDDEN');
    const refused = codes.length > 0 && codes.every((code) => code === 'FORBIDDEN' || code === 'NOT_FOUND');
    const passes = codes.length > 0 && codes.every((code) => code === 'SERVICE_UNAVAILABLE' || code === 'RATE_LIMITED');
    if (refused && this.watching.comesAndGoes) this.refusals += 1;
    else if (passes) this.passing += 1;
    else {
      const said = error instanceof Error || Array.isArray(error) ? error : { code: (error as { code?: number }).code };
      this.violations.push(
        `the operation ended after ${this.last}: ${said instanceof Error ? said.message : JSON.stringify(said)}`,
      );
      return;
    }
    const { socket } = this;
    await pause(RETRY_MS);
    if (removed) {
      this.removals += 1;
      if (socket?.readyState === WebSocket.OPEN) this.kept += 1;
    }
    this.start();
  }
}

function documentOf({ projectId, selection }: Watching): string {
  const event = `cursor seq kind subjectId project { id } ${selection}`;
  return projectId
    ? `subscription ($id: ID!, $after: String, $own: Boolean) { projectUpdated(projectId: $id, after: $after, includeOwn: $own) { ${event} } }`
    : `subscription ($after: String, $own: Boolean) { projectsUpdated(after: $after, includeOwn: $own) { ${event} } }`;
}
