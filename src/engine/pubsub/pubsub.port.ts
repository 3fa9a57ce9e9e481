// Pub/sub between instances: a fire-and-forget broadcast of wake-ups, lossy by contract. PostgreSQL's log is the source of truth; a lost
// wake-up costs latency only. Knows neither the meaning nor the audience of a wake-up.
import { z } from 'zod';

/** Injects the one {@link PubSub} of this process. */
export const PUB_SUB = Symbol('PUB_SUB');

/** Topics and the shapes of their messages, sent as JSON. Messages of another shape are counted and dropped. */
export const TOPICS = {
  /** The log of installation `log` has grown to `pos` (decimal); `events` may contain the new events, which saves a read. */
  log: z.object({
    log: z.string(),
    pos: z.string().regex(/^\d+$/),
    events: z.array(z.unknown()).readonly().optional(),
  }),
  /** A session has a new access token, which expires at `expiresAt` (ms since 1970): its open sockets stay open. */
  session: z.object({ accountId: z.string(), sessionId: z.string(), expiresAt: z.int() }),
  /** The viewers of these resources have changed, and can be read. */
  presence: z.object({ resourceIds: z.array(z.string()).readonly() }),
};

export type Topics = { readonly [T in keyof typeof TOPICS]: z.infer<(typeof TOPICS)[T]> };
export type LogWakeUp = Topics['log'];
export type SessionWakeUp = Topics['session'];

/** A schema per topic: instances of two versions may share a channel. */
export type Schemas<M> = { readonly [T in keyof M]: z.ZodType<M[T]> };

export interface PubSubStats {
  /** Wake-ups not sent to other instances: not connected, too many in flight, closed, or sending failed. */
  readonly dropped: number;
  /** Received messages that are not JSON, of no known topic, or of another shape. */
  readonly malformed: number;
  /** Connections made after the first one. */
  readonly reconnects: number;
}

export interface PubSub<M = Topics> {
  /** Never awaited, never queued, never throws: a wake-up that cannot be sent now is dropped and counted. */
  publish<T extends keyof M>(topic: T, message: M[T]): void;

  /**
   * Delivered to this process too, after the current call stack, connected or not. A listener runs in the async context it
   * was *subscribed* in, never in the publisher's. A listener that throws is logged, the others still run. Returns the
   * unsubscribe function; the listener is not called after it.
   */
  subscribe<T extends keyof M>(topic: T, listener: (message: M[T]) => void): () => void;

  readonly stats: PubSubStats;

  /** Connected, and heard its own heartbeat within 3 s. */
  readonly healthy: boolean;

  /** Called after every connection, including the first: wake-ups may have been lost. */
  onRecovered(listener: () => void): () => void;

  /** Stops delivery; resolves when sockets and timers are released. May be called twice. */
  close(): Promise<void>;
}

export interface PubSubLog {
  warn(message: string): void;
  info(message: string): void;
}
