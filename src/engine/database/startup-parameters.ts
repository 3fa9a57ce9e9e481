// The settings of every session, as parameters of the startup packet. Poolers in transaction mode share sessions among clients, so a SET
// would affect others; startup parameters apply to this client only.

export type Parameters = Readonly<Record<string, string>>;

/** PgBouncer tracks these and sets them on each server connection. */
const TRACKED: Parameters = { TimeZone: 'UTC', DateStyle: 'ISO, MDY', standard_conforming_strings: 'on' };

/**
 * Time-outs enforced by PostgreSQL, independent of the network: statements end before their waiters give up the connection, silent
 * transactions before waiters for their locks end.
 */
export const STATEMENT_TIMEOUT_MS = 20_000;
export const IDLE_IN_TRANSACTION_MS = 10_000;

/** For direct connections; a pooler refuses or ignores them, and then the role must set them. */
const BOUNDS: Parameters = {
  statement_timeout: String(STATEMENT_TIMEOUT_MS),
  idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS),
  idle_session_timeout: '0',
  lock_timeout: '0',
  default_transaction_isolation: 'read committed',
  extra_float_digits: '1',
};

/** Every second PostgreSQL checks whether the client of a running statement is still connected, so that dead clients hold no locks. */
const WATCH: Parameters = { client_connection_check_interval: '1000' };

/** Since PostgreSQL 17. */
const NO_TRANSACTION_TIMEOUT: Parameters = { transaction_timeout: '0' };

/** From most to fewest: what a server or pooler accepts is tried once, when the database is opened. */
export const VARIANTS: readonly [Parameters, Parameters, ...Parameters[]] = [
  { ...TRACKED, ...BOUNDS, ...WATCH, ...NO_TRANSACTION_TIMEOUT },
  { ...TRACKED, ...BOUNDS, ...WATCH },
  { ...TRACKED, ...BOUNDS },
  TRACKED,
];

/** SQLSTATEs of unknown parameters and refused values. */
const REFUSALS = new Set(['08P01', '22023', '42704', '0A000', '58000']);

export function refusesParameters(error: unknown): boolean {
  return error instanceof Error && 'code' in error && REFUSALS.has(String(error.code));
}
