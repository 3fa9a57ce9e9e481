// Explanations of error codes, shown beside a frame.

const MEANINGS: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: 'Nobody is signed in, or the token has expired: refresh it or sign in.',
  INVALID_CREDENTIALS: 'The e-mail address or password is wrong. The session is unchanged.',
  FORBIDDEN: 'The object is visible to the account, but this field or action is not permitted.',
  NOT_FOUND: 'The object does not exist, or the account may not see it. Both answers are identical.',
  BAD_USER_INPUT: 'The input is invalid; fields says why.',
  CONFLICT: 'A concurrent change, or a violated rule; reason says which.',
  RATE_LIMITED: 'Too many requests: wait for retryAfter seconds.',
  QUERY_TOO_COMPLEX: 'The document selects too much: request smaller pages.',
  CURSOR_EXPIRED: 'The log no longer contains this cursor: read the snapshot again, and continue after its lastCursor.',
  REFRESH_TOKEN_REUSED: 'A refresh token was used after it had been replaced: the session has ended.',
  SERVICE_UNAVAILABLE: 'The service is unavailable: try again later.',
  INTERNAL_SERVER_ERROR: 'An internal error. The log of the service has the details under errorId.',
  GRAPHQL_PARSE_FAILED: 'The document is not valid GraphQL.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not match the schema.',
  OPERATION_RESOLUTION_FAILURE:
    'The document has several operations, or none with this name: operationName must select one.',
};

export const ERROR_CODES: readonly string[] = Object.keys(MEANINGS);

/** Explains an error code; undefined if Tidings does not use it. */
export const meaningOfError = (code: string | undefined): string | undefined => (code ? MEANINGS[code] : undefined);
