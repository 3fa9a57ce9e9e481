// Why the service did not start, in the words of whoever has to mend it. Never repeats DATABASE_URL: it holds a password.
import { ConfigError } from '../engine/config/config-error.js';
import { poolerRefusal } from '../engine/errors/library-messages.js';
import { EmbeddedPostgresError } from '../embedded-postgres/embedded-postgres.js';
import { UnsuitableDatabaseError } from '../engine/database/database-requirements.js';
import { tlsProblem } from '../engine/database/tls-errors.js';
import { isDatabaseUnavailable, sqlState } from '../engine/database/unit-of-work.js';
import { NewerDatabaseError, NoInstallationError } from '../engine/database/known-database.js';
import { ListenError } from './listen-error.js';

const DELIBERATE = [
  ConfigError,
  EmbeddedPostgresError,
  ListenError,
  NewerDatabaseError,
  NoInstallationError,
  UnsuitableDatabaseError,
] as const;

/** SQLSTATEs that speak of the installation, not of a fault of ours. */
const INSTALLATION: Readonly<Record<string, string>> = {
  '28P01': 'refuses the user or the password of DATABASE_URL',
  '28000': 'refuses the user of DATABASE_URL',
  '3D000': 'does not have the database that DATABASE_URL names: create it first',
  '42501': 'does not let the user of DATABASE_URL make its tables',
};

/** One sentence where the reader can do something about it, else the whole stack. */
export function describeFailure(error: unknown): string {
  if (DELIBERATE.some((kind) => error instanceof kind)) return (error as Error).message;
  const code = sqlState(error) ?? '';
  const known = INSTALLATION[code];
  if (known) return `The database server ${known}.`;
  const tls = tlsProblem(error);
  if (tls) return `The database server does not have the TLS that sslmode of DATABASE_URL asks for (${tls}).`;
  if (code === '08P01') return `The connection pooler of DATABASE_URL ${poolerRefusal(String(error))}.`;
  if (isDatabaseUnavailable(error) || isUnreachable(error))
    return `The database at DATABASE_URL cannot be reached${code && ` (${code})`}. Does it run, and is the address right?`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** A name that cannot be resolved, a network without a way there: at the start only the database is waited for. */
function isUnreachable(error: unknown): boolean {
  const call = error instanceof Error && 'syscall' in error ? error.syscall : undefined;
  return call === 'connect' || call === 'getaddrinfo';
}
