// The settings that every session depends on, as parameters of the startup packet. Poolers in transaction mode share sessions among
// clients: a SET would reach others, and be lost. What the startup packet says holds for all that this client is given.

export type Parameters = Readonly<Record<string, string>>;

/** PgBouncer keeps track of these itself and sets them on whichever server connection the client is given. */
const TRACKED: Parameters = { TimeZone: 'UTC', DateStyle: 'ISO, MDY', standard_conforming_strings: 'on' };

/**
 * What takes too long is ended by PostgreSQL itself, on its side of any network: a statement before those who wait for it give their
 * connection up, and a transaction of which nothing more is heard before those who wait for its locks are ended too.
 */
export const STATEMENT_TIMEOUT_MS = 20_000;
export const IDLE_IN_TRANSACTION_MS = 10_000;

/** Others hold for direct connections; a pooler refuses them or passes over them, and then the role must have them. */
const BOUNDS: Parameters = {
  statement_timeout: String(STATEMENT_TIMEOUT_MS),
  idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS),
  idle_session_timeout: '0',
  lock_timeout: '0',
  default_transaction_isolation: 'read committed',
  extra_float_digits: '1',
};

/** Every second, PostgreSQL looks whether the client of a running statement is still there: else it may wait for a lock for nobody. */
const WATCH: Parameters = { client_connection_check_interval: '1000' };

/** Since PostgreSQL 17. */
const NO_TRANSACTION_TIMEOUT: Parameters = { transaction_timeout: '0' };

/** From the most to the least: which of them a server or pooler takes is found out once, when the database is opened. */
export const VARIANTS: readonly [Parameters, Parameters, ...Parameters[]] = [
  { ...TRACKED, ...BOUNDS, ...WATCH, ...NO_TRANSACTION_TIMEOUT },
  { ...TRACKED, ...BOUNDS, ...WATCH },
  { ...TRACKED, ...BOUNDS },
  TRACKED,
];

/** SQLSTATEs by which a server or a pooler says that it does not know a parameter, or not this value. */
const REFUSALS = new Set(['08P01', '22023', '42704', '0A000', '58000']);

export function refusesParameters(error: unknown): boolean {
  return error instanceof Error && 'code' in error && REFUSALS.has(String(error.code));
}
