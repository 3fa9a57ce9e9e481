// The closed catalogue: every error that Tidings shows has one of these codes, one class per case.
// Nothing here knows a transport; error-mapper.ts turns these into what a client sees.
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

/** One problem of the input: where it is (`input.title`) and what is wrong with it, never the value itself. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

/** An error that is meant for the client. Everything else is masked. */
export abstract class ServiceError extends GraphQLError {
  abstract readonly code: ErrorCode;

  constructor(message: string, extensions: GraphQLErrorExtensions & { code: ErrorCode }) {
    super(message, { extensions });
    this.name = new.target.name;
  }
}

/**
 * No valid access token, or no valid refresh token: refresh, or sign in. On a socket that has none from the start, close code 4401
 * says the same. A wrong password is {@link InvalidCredentialsError}.
 */
export class UnauthenticatedError extends ServiceError {
  readonly code = 'UNAUTHENTICATED';
  constructor(message = 'Sign in first.') {
    super(message, { code: 'UNAUTHENTICATED' });
  }
}

/** The request names the account that its page shows, and its credentials are of another: nothing of it runs. */
export class OtherAccountError extends ServiceError {
  readonly code = 'UNAUTHENTICATED';
  constructor() {
    super('This page shows another account than the one that is signed in. Load it again.', {
      code: 'UNAUTHENTICATED',
      reason: 'OTHER_ACCOUNT',
    });
  }
}

/** A password that was typed is wrong. Says nothing about the session of the request, which stays as it is. */
export class InvalidCredentialsError extends ServiceError {
  readonly code = 'INVALID_CREDENTIALS';
  constructor(message: string) {
    super(message, { code: 'INVALID_CREDENTIALS' });
  }
}

/** Signed in, and may see the thing, but may not do this. `requires` names the role that the schema states. */
export class ForbiddenError extends ServiceError {
  readonly code = 'FORBIDDEN';
  constructor(
    readonly requires?: string,
    message = requires ? `This requires the role ${requires}.` : 'You may not do this.',
  ) {
    super(message, {
      code: 'FORBIDDEN',
      ...(requires ? { requires } : {}),
    });
  }
}

/** Absent or invisible to the caller: by design nobody can tell which. */
export class NotFoundError extends ServiceError {
  readonly code = 'NOT_FOUND';
  constructor(what: string) {
    super(`${what} not found.`, { code: 'NOT_FOUND' });
  }
}

/** The input has a shape or a value that cannot be taken; `fields` names every one of them. */
export class BadUserInputError extends ServiceError {
  readonly code = 'BAD_USER_INPUT';
  constructor(fields: readonly FieldProblem[], message?: string) {
    super(message ?? fields.map((field) => `${field.path}: ${field.message}`).join('; '), {
      code: 'BAD_USER_INPUT',
      fields,
    });
  }
}

/** Why a well-formed request cannot be carried out in the present state. */
export type ConflictReason =
  | 'VERSION'
  | 'IDEMPOTENCY_KEY'
  | 'EMAIL_TAKEN'
  | 'PROJECT_KEY_TAKEN'
  | 'LAST_OWNER'
  | 'LAST_ADMIN'
  | 'RETRY';

export class ConflictError extends ServiceError {
  readonly code = 'CONFLICT';
  constructor(
    readonly reason: ConflictReason,
    message: string,
  ) {
    super(message, { code: 'CONFLICT', reason });
  }
}

/** Too many tries; `retryAfter` is in whole seconds. */
export class RateLimitedError extends ServiceError {
  readonly code = 'RATE_LIMITED';
  constructor(readonly retryAfter: number) {
    super(`Too many requests. Try again in ${retryAfter} s.`, { code: 'RATE_LIMITED', retryAfter });
  }
}

/** The document asks for more than one request may. */
export class QueryTooComplexError extends ServiceError {
  readonly code = 'QUERY_TOO_COMPLEX';
  constructor(message: string) {
    super(message, { code: 'QUERY_TOO_COMPLEX' });
  }
}

/** The log no longer, or never, held what this cursor points to: read the snapshot again. */
export class CursorExpiredError extends ServiceError {
  readonly code = 'CURSOR_EXPIRED';
  constructor() {
    super('This cursor cannot be resumed from. Read the data again and subscribe with its lastCursor.', {
      code: 'CURSOR_EXPIRED',
    });
  }
}

/** A refresh token that had been replaced was used again: the session is ended. */
export class RefreshTokenReusedError extends ServiceError {
  readonly code = 'REFRESH_TOKEN_REUSED';
  constructor() {
    super('This refresh token was used before; its session has been ended. Sign in again.', {
      code: 'REFRESH_TOKEN_REUSED',
    });
  }
}

/**
 * A part that this needs (the database, the log, a capability not switched on) is away; nothing was changed, unless the connection to
 * the database was lost while it committed.
 */
export class ServiceUnavailableError extends ServiceError {
  readonly code = 'SERVICE_UNAVAILABLE';
  /** `retryAfter`: whole seconds after which it is worth trying again, if that is known. */
  constructor(message = 'The service cannot answer this now. Try again soon.', retryAfter?: number) {
    super(message, { code: 'SERVICE_UNAVAILABLE', ...(retryAfter === undefined ? {} : { retryAfter }) });
  }
}
