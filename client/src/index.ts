// Public API of `@tidings/client`.
export { createTidings, type Tidings, type TidingsOptions } from './tidings.js';
export { fetcher } from './fetcher.js';
export {
  type GraphqlError,
  InvalidCredentials,
  OperationFailed,
  RateLimited,
  SignedOut,
  TidingsError,
  Unavailable,
} from './errors.js';
export type { Connection } from './connection.js';
export type { Account, SessionState, SignedOutReason, TokenStorage, Transport } from './credentials.js';
export type { Document, Json, Variables } from './document.js';
export type { EventsOptions } from './events.js';
export type { AccessChange, Live, LiveEnd, LiveOptions, LiveStatus, Path } from './live.js';
export type { LiveCache } from './live-cache.js';
export type { Result } from './post.js';
export type { Sink } from './socket.js';
export type { Readable } from './store.js';
