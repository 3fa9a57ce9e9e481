// The doorbell: a fire-and-forget broadcast between nodes, lossy by contract. PostgreSQL's log is the truth; a lost ring
// costs latency and nothing else. It knows neither what a ring means nor who may hear of it.

/** The log has grown to `pos` (decimal); `events` may carry what is new, so that the next position needs no read. */
export interface LogRing {
  /** Which log: two installations may share one Redis. */
  readonly log: string;
  readonly pos: string;
  readonly events?: readonly unknown[];
}

/** A session has a new access token, which expires at `expiresAt` (ms since 1970): its open sockets live on with it. */
export interface SessionRing {
  readonly accountId: string;
  readonly sessionId: string;
  readonly expiresAt: number;
}

/** Who watches these resources has changed, and can be read. */
export interface PresenceRing {
  readonly resourceIds: readonly string[];
}

/** Injects the one {@link PubSub} of this process. */
export const PUB_SUB = Symbol('PUB_SUB');

/** Every topic and its message, in this one map. A new topic needs a line here and its shape below. */
export interface Topics {
  log: LogRing;
  session: SessionRing;
  presence: PresenceRing;
}

/** How a message from another node, maybe of another version, is recognised. What fails is counted and dropped. */
export type Shapes<M> = { readonly [T in keyof M]: (message: unknown) => message is M[T] };

export const SHAPES: Shapes<JsonSafe<Topics>> = {
  log: (message): message is LogRing => {
    const { log, pos, events } = (message ?? {}) as Partial<Record<keyof LogRing, unknown>>;
    return (
      typeof log === 'string' &&
      typeof pos === 'string' &&
      /^\d+$/.test(pos) &&
      (events === undefined || Array.isArray(events))
    );
  },
  session: (message): message is SessionRing => {
    const { accountId, sessionId, expiresAt } = (message ?? {}) as Partial<Record<keyof SessionRing, unknown>>;
    return typeof accountId === 'string' && typeof sessionId === 'string' && Number.isSafeInteger(expiresAt);
  },
  presence: (message): message is PresenceRing => {
    const { resourceIds } = (message ?? {}) as Partial<Record<keyof PresenceRing, unknown>>;
    return Array.isArray(resourceIds) && resourceIds.every((id) => typeof id === 'string');
  },
};

/** Messages travel as JSON: a topic that holds what JSON would change or lose does not compile (see `SHAPES`). */
export type JsonSafe<T> = T extends bigint | symbol | Date | Map<unknown, unknown> | Set<unknown>
  ? never
  : T extends (...args: never[]) => unknown
    ? never
    : T extends object
      ? { [K in keyof T]: JsonSafe<T[K]> }
      : T;

export interface PubSubStats {
  /** Calls of `publish`. */
  readonly published: number;
  /** Of those, not sent to the other nodes: not connected, too many in flight, closed, or the sending failed. */
  readonly dropped: number;
  /** Rings from other nodes. One's own are told at once and not counted here. */
  readonly received: number;
  /** Messages from outside that are not JSON, of no known topic, or of another shape. */
  readonly malformed: number;
  /** Connections made after the first one. */
  readonly reconnects: number;
}

export interface PubSub<M = Topics> {
  /** Never awaited, never queued, never throws: a ring that cannot be sent now is dropped and counted. */
  publish<T extends keyof M>(topic: T, message: M[T]): void;

  /**
   * Delivered to this process too, after the present call stack, connected or not. A listener runs in the async context it
   * was *subscribed* in, never in the publisher's. One that throws is reported, the others still hear. Returns the
   * unsubscribe function: after it nothing more is heard.
   */
  subscribe<T extends keyof M>(topic: T, listener: (message: M[T]) => void): () => void;

  readonly stats: PubSubStats;

  /** Connected, and heard its own heartbeat within 3 s. */
  readonly healthy: boolean;

  /** Called after every connection, the first one too: "you may have missed rings, look now". */
  onRecovered(listener: () => void): () => void;

  /** Delivers nothing from now on; resolves when no socket and no timer is left. May be called twice. */
  close(): Promise<void>;
}

export interface PubSubLog {
  warn(message: string): void;
  info(message: string): void;
}
