// Port: an identity provider identifies the account of a socket, and how long its session lives. `session` wake-ups of pub/sub announce newer
// credentials.
import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from '../../access/operation-context.js';
import type { Transport } from '../../access/role.js';
import type { LogEvent } from '../../events/log-event.js';

/** A proven credential that a socket presented, expired or not. */
export interface SocketCredential {
  readonly accountId: string;
  readonly sessionId: string;
  /** ms since 1970. */
  readonly expiresAt: number;
  /** How it was presented. */
  readonly transport: Transport;
}

export interface SocketSessions {
  /** The credential in the cookies of an upgrade, not verified; undefined if it has none, or its origin may not use them. */
  cookieOf(headers: IncomingHttpHeaders): string | undefined;
  /** The credential in such a cookie, which came from `address`. */
  inCookie(value: string | undefined, address: string): SocketCredential | undefined;
  /** The credential in an `Authorization` value, which came from `address`. */
  inHeader(authorization: string, address: string): SocketCredential | undefined;
  /** Whether the page that sent this payload of `connection_init` shows another account. */
  isOtherAccount(credential: SocketCredential, payload: Readonly<Record<string, unknown>>): boolean;
  /** The caller at the head of the log: no principal once the session has ended; a refusal if that cannot be determined now. Never throws. */
  callerOf(credential: SocketCredential): Promise<Caller>;
  /** A socket of the session is open until the returned function is called. */
  opened(sessionId: string, address: string): () => void;
  /** Ids of the sessions that `event` has ended. */
  endedBy(event: LogEvent): readonly string[];
  /** For each session that lives, the ms that its newest credential still has. One statement. */
  remainingOf(sessionIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export const SOCKET_SESSIONS = Symbol('SocketSessions');
