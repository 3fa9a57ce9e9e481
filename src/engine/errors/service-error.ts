// The closed list of errors that clients receive: one class per case, each with one of these codes.
// Nothing here knows a transport; error-mapper.ts turns these errors into responses.
import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';

/** `extensions.code` of every error a client can receive, Apollo's parse and validation codes included. */
export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'INVALID_CREDENTIALS'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'CONFLICT'
  | 'RATE_LIMITED'
  | 'QUERY_TOO_COMPLEX'
  | 'CURSOR_EXPIRED'
  | 'REFRESH_TOKEN_REUSED'
  | 'SERVICE_UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR'
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'OPERATION_RESOLUTION_FAILURE';

/** One problem of the input: its path (`input.title`) and a message that never repeats the value. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

/** An error that is meant for the client. Everything else is masked. */
export abstract class ServiceError extends GraphQLError {
  constructor(
    readonly code: ErrorCode,
    message: string,
    details: GraphQLErrorExtensions = {},
  ) {
    super(message, { extensions: { code, ...details } });
    this.name = new.target.name;
  }
}

/**
 * No valid access token, or no valid refresh token: refresh, or sign in. The equivalent for sockets is close code 4401.
 * A wrong password is {@link InvalidCredentialsError}.
 */
export class UnauthenticatedError extends ServiceError {
  constructor(message = 'Sign in first.') {
    super('UNAUTHENTICATED', message);
  }
}

/** The request names the account that its page shows, and its credentials belong to another account: nothing is executed. */
export class OtherAccountError extends ServiceError {
  constructor() {
    super('UNAUTHENTICATED', 'This page shows another account than the one that is signed in. Load it again.', {
      reason: 'OTHER_ACCOUNT',
    });
  }
}

/** A wrong password. The session of the request is not affected. */
export class InvalidCredentialsError extends ServiceError {
  constructor(message: string) {
    super('INVALID_CREDENTIALS', message);
  }
}

/** The caller may see the object but not do this. `requires` is the role that the schema declares. */
export class ForbiddenError extends ServiceError {
  constructor(
    readonly requires?: string,
    message = requires ? `This requires the role ${requires}.` : 'You may not do this.',
  ) {
    super('FORBIDDEN', message, requires ? { requires } : {});
  }
}

/** Absent or invisible to the caller; the two cannot be told apart. */
export class NotFoundError extends ServiceError {
  constructor(what: string) {
    super('NOT_FOUND', `${what} not found.`);
  }
}

/** Invalid input; `fields` lists every problem. */
export class BadUserInputError extends ServiceError {
  constructor(fields: readonly FieldProblem[], message?: string) {
    super('BAD_USER_INPUT', message ?? fields.map((field) => `${field.path}: ${field.message}`).join('; '), { fields });
  }
}

/** Why a well-formed request conflicts with the current state. A domain declares its own reasons where it throws them. */
export interface ConflictReasons {
  VERSION: true;
  IDEMPOTENCY_KEY: true;
  EMAIL_TAKEN: true;
  LAST_ADMIN: true;
  RETRY: true;
}
export type ConflictReason = keyof ConflictReasons;

export class ConflictError extends ServiceError {
  constructor(
    readonly reason: ConflictReason,
    message: string,
  ) {
    super('CONFLICT', message, { reason });
  }
}

/** Too many attempts; `retryAfter` is in whole seconds. */
export class RateLimitedError extends ServiceError {
  constructor(readonly retryAfter: number) {
    super('RATE_LIMITED', `Too many requests. Try again in ${retryAfter} s.`, { retryAfter });
  }
}

/** The document exceeds the limits of a request. */
export class QueryTooComplexError extends ServiceError {
  constructor(message: string) {
    super('QUERY_TOO_COMPLEX', message);
  }
}

/** The log does not hold the position of this cursor: read the data again. */
export class CursorExpiredError extends ServiceError {
  constructor() {
    super(
      'CURSOR_EXPIRED',
      'This cursor cannot be resumed from. Read the data again and subscribe with its lastCursor.',
    );
  }
}

/** A replaced refresh token was used again; its session has been ended. */
export class RefreshTokenReusedError extends ServiceError {
  constructor() {
    super('REFRESH_TOKEN_REUSED', 'This refresh token was used before; its session has been ended. Sign in again.');
  }
}

/**
 * A dependency (the database, the log, an optional feature) is unavailable. Nothing was changed, unless the connection to the
 * database was lost during a commit.
 */
export class ServiceUnavailableError extends ServiceError {
  /** `retryAfter`: whole seconds after which to try again, if known. */
  constructor(message = 'The service cannot answer this now. Try again soon.', retryAfter?: number) {
    super('SERVICE_UNAVAILABLE', message, retryAfter === undefined ? {} : { retryAfter });
  }
}
