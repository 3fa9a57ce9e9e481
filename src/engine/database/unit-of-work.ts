// Runs a transaction with its own entity manager: begins, commits, and retries when PostgreSQL asks for it.
import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { isLostConnection } from '../errors/library-messages.js';
import { NOT_KEPT } from './kept-statements.js';
import { DatabaseTimeoutError } from './with-timeout.js';
import { tlsProblem } from './tls-errors.js';

/**
 * SQLSTATEs after which the same work may succeed: serialization failure, deadlock, a transaction that was idle for too long, a statement
 * that was not kept.
 */
const RETRYABLE: ReadonlySet<string> = new Set(['40001', '40P01', '25P03', ...NOT_KEPT]);
const MAX_ATTEMPTS = 6;

/** Codes of connections that could not be established, or were lost. */
const NO_CONNECTION =
  /^E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|HOSTDOWN|NOTFOUND|AI_AGAIN|NOENT)$/;
/**
 * SQLSTATEs of a backend that cannot do its work: class 08 connection, 28 sign-in refused, 3D000 database gone, 53 no disk or memory,
 * 57P0x shutdown, 57014 too long, 58 system error, 25006 read-only, 25P03 idle in transaction, 25P04 transaction too long.
 */
const UNAVAILABLE = /^(08|28|3D000$|53|57P0|57014$|58|25006$|25P03$|25P04$)/;

/** The SQLSTATE of a database error, wherever the ORM put it; for a network error, its code. */
export function sqlState(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Whether `error` is a violation of the named unique constraint or index (SQLSTATE 23505). */
export function violatesUnique(error: unknown, constraint: string): boolean {
  return sqlState(error) === '23505' && (error as { constraint?: unknown }).constraint === constraint;
}

/** Whether `error` means that PostgreSQL is unavailable, as opposed to a bug. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = sqlState(error) ?? '';
  if (UNAVAILABLE.test(code) || NO_CONNECTION.test(code) || tlsProblem(error) !== undefined) return true;
  return code === '' && (error instanceof DatabaseTimeoutError || isLostConnection(error));
}

/** The parts of Kysely that are needed here. */
interface Executor {
  getExecutor(): {
    provideConnection<T>(consumer: (connection: Connection) => Promise<T>): Promise<T>;
  };
}

interface Transaction extends Executor {
  commit(): { execute(): Promise<void> };
}

interface Connection {
  executeQuery(statement: {
    readonly sql: string;
    readonly parameters: readonly unknown[];
  }): Promise<{ rows: unknown[] }>;
}

/** The result of `work`, which runs again when PostgreSQL asks for it. */
export async function repeatedly<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
      await delay(Math.random() * 10 * 2 ** attempt);
    }
  }
}

/** Runs `work` in a new transaction and returns its result after the commit. `work` may run more than once. */
export function inTransaction<T>(orm: MikroORM, work: (em: EntityManager) => Promise<T>): Promise<T> {
  return repeatedly(async () => {
    const em = orm.em.fork();
    try {
      await em.begin();
      const result = await work(em);
      if (em.isInTransaction()) await em.commit();
      return result;
    } catch (error) {
      // A failing rollback must not hide the original error: the server rolls back lost connections.
      if (em.isInTransaction()) await em.rollback().catch(() => {});
      throw error;
    }
  });
}

/**
 * Runs `sql` (parameters `$1` …) in the transaction of `em`, or without one as a transaction of its own, and returns the rows. If the
 * connection is lost meanwhile, the outcome is unknown, and nothing is repeated. A statement that was not kept has not run: it is repeated,
 * in a transaction with all of it.
 */
export async function execute<R>(em: EntityManager, sql: string, parameters: readonly unknown[]): Promise<R[]> {
  // The ORM's own `execute` would write the values into the text.
  const transaction = em.getTransactionContext<Executor>();
  const executor = (transaction ?? (em.getConnection('write').getClient() as Executor)).getExecutor();
  const run = () => executor.provideConnection((one) => one.executeQuery({ sql, parameters }));
  const { rows } = await run().catch((error: unknown) => {
    if (transaction || !NOT_KEPT.has(sqlState(error) ?? '')) throw error;
    return run();
  });
  return rows as R[];
}

/**
 * Ends the transaction of `em`, begun by {@link inTransaction}, with `sql` (parameters `$1` …) and the commit, and returns the rows. Both
 * are sent in one flush: locks of the statement are held while the server commits, never while it waits for this process. If
 * the statement fails, the server rolls back. If the connection is lost meanwhile, the outcome is unknown, and nothing is retried.
 */
export async function commitWith<R>(em: EntityManager, sql: string, parameters: readonly unknown[]): Promise<R[]> {
  const transaction = em.getTransactionContext<Transaction>();
  if (!transaction) throw new Error('There is no transaction to end');
  const [statement, commit] = await transaction
    .getExecutor()
    .provideConnection((connection) =>
      Promise.allSettled([connection.executeQuery({ sql, parameters }), transaction.commit().execute()]),
    );
  if (commit.status === 'fulfilled') em.resetTransactionContext();
  if (statement.status === 'rejected') throw statement.reason;
  if (commit.status === 'rejected') throw commit.reason;
  return statement.value.rows as R[];
}
