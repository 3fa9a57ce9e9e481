// Recognizes library errors by message, where the library offers no code and no class. Each expression is anchored, reads a bounded
// part, and is tested against the library.

/** Errors without a code of `pg` and `pg-pool`: the connection was lost, or not available in time. */
const CONNECTION_LOST: ReadonlySet<string> = new Set([
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
]);

/** Whether `error`, which has no code, is about a lost connection to PostgreSQL. */
export function isLostConnection(error: unknown): boolean {
  return error instanceof Error && CONNECTION_LOST.has(error.message);
}

/** Errors without a code of `pg`: the server refuses TLS. */
const NO_TLS: ReadonlySet<string> = new Set([
  'The server does not support SSL connections',
  'There was an error establishing an SSL connection',
]);

/** Whether `error`, which has no code, says that PostgreSQL has no TLS. */
export function isWithoutTls(error: unknown): boolean {
  return error instanceof Error && NO_TLS.has(error.message);
}

/** Characters that are read of a PgBouncer error. */
const MAX_REFUSAL = 200;

/** PgBouncer up to 1.18 has one SQLSTATE for everything, so the English text is matched. */
export function poolerRefusal(message: string): string {
  const words = message.slice(0, MAX_REFUSAL);
  const parameter = /unsupported startup parameter: ([a-z_]{1,40})/.exec(words)?.[1];
  if (parameter) return `refuses the startup parameter ${parameter}: leave it out of DATABASE_URL`;
  if (/no such database/.test(words)) return 'does not have the database that DATABASE_URL names';
  return /no such user|authentication failed/.test(words)
    ? 'refuses the user or the password of DATABASE_URL'
    : 'refuses the connection (08P01)';
}

/** Characters that are read of a syntax error. */
const MAX_SYNTAX_ERROR = 160;

/** A syntax error that contains no value but a name or punctuation, and the safe prefix of one that contains a value. */
const READABLE: readonly RegExp[] = [
  /^Syntax Error: (?:Expected (?:[A-Z][A-Za-z]{1,19}|"[^"\s]{1,20}"), found|Unexpected) (?:Name "\w{1,50}"|<EOF>|"[!$&().:=@[\]{|}]{1,3}")\.$/,
  /^Syntax Error: Document contains more tha[nt] \d{1,9} tokens\. Parsing aborted\.$/,
  /^Syntax Error: (?:Unterminated string|Unexpected character: (?:".{1,2}"|U\+[0-9A-F]{4,6}|<EOF>)|Unexpected description, [\w ,]{1,80})\.$/,
];
const UP_TO_VALUE =
  /^(Syntax Error: (?:Expected (?:[A-Z][A-Za-z]{1,19}|"[^"\s]{1,20}"), found|Unexpected) (?:Int|Float|String|BlockString|Comment|Name)) "/;

/** graphql-js's syntax error without values sent by the client; undefined if it is not recognized. */
export function readableSyntaxError(message: string): string | undefined {
  const begun = message.slice(0, MAX_SYNTAX_ERROR);
  if (begun === message && READABLE.some((readable) => readable.test(message))) return message;
  const upTo = UP_TO_VALUE.exec(begun)?.[1];
  return upTo && `${upTo}.`;
}
