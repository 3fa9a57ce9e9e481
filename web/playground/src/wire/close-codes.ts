// Explanations of WebSocket close codes. A test compares the codes with docs/realtime.md.

const MEANINGS: Readonly<Record<number, string>> = {
  1000: 'Normal closure.',
  1001: 'The other end is going away, such as a page that was left.',
  1005: 'Closed without a code.',
  1006: 'The connection was lost, or could not be made. The client comes back.',
  1009: 'A message of more than 4 MiB.',
  1012: 'This instance is stopping. The client reconnects to another one after the advised delay.',
  1013: 'Too many connections of this account, or the backend is unavailable or overloaded. The client reconnects after the advised delay.',
  4400: 'An invalid or binary message, or an operation id of more than 128 bytes.',
  4401: 'The token is missing or invalid, or the session has ended. The client requests a new token; if that fails, sign in again.',
  4403: 'The access token has expired, or the socket is too old. The client reconnects with a new token.',
  4406: 'The subprotocol is not graphql-transport-ws.',
  4408: 'No connection_init within 5 s.',
  4409: 'The operation id is already in use.',
  4429: 'A second connection_init.',
  4500: 'An internal error. The log of the service has the details.',
};

/** Explains a close. `reason` distinguishes cases with the same code. */
export function meaningOf(code: number, reason = ''): string {
  if (code === 4401 && reason === 'OTHER_ACCOUNT')
    return 'The cookies belong to another account than this page shows. The page restores the session.';
  const said = MEANINGS[code] ?? 'A code that Tidings does not use.';
  const [, min, max] = /retry=(\d+)-(\d+)/.exec(reason) ?? [];
  return min && max ? `${said} Advised: ${min} to ${max} s.` : said;
}

/** All codes with an explanation. */
export const CODES: readonly number[] = Object.keys(MEANINGS).map(Number);
