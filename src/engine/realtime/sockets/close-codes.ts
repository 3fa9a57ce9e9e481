// WebSocket close codes.

/** Close codes of this service, beside those that graphql-ws sends. Stock clients stop at 4401 and reconnect after 4403, 1012 and 1013. */
export const CloseCode = {
  /** No or an invalid token, or the session has ended. */
  Unauthenticated: 4401,
  /** The token has expired. */
  Expired: 4403,
  BadRequest: 4400,
  IdInUse: 4409,
  TooLarge: 1009,
  Restart: 1012,
  TryAgainLater: 1013,
} as const;
