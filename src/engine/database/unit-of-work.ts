// One transaction as one piece of work: its own entity manager, begun, committed, tried again when PostgreSQL asks for it.
import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';

/** SQLSTATEs after which the same work may succeed: serialization failure, deadlock. */
const RETRYABLE = new Set(['40001', '40P01']);
const MAX_TRIES = 6;

/** The SQLSTATE of a database error, wherever the ORM has put it. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Whether `error` is a violation of the named unique constraint or index (SQLSTATE 23505). */
export function violatesUnique(error: unknown, constraint: string): boolean {
  return sqlState(error) === '23505' && error instanceof Error && 'constraint' in error && error.constraint === constraint;
}

/** Whether `error` says that PostgreSQL is away (class 08, 57P0x, no connection), not that we did something wrong. */
export function isDatabaseAway(error: unknown): boolean {
  const code = sqlState(error) ?? '';
  if (/^(08|57P0|53)/.test(code) || /^E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|NOENT)$/.test(code)) return true;
  return error instanceof Error && /Connection terminated|timeout exceeded when trying to connect/.test(error.message);
}

/** Runs `work` in a transaction of its own and returns its result after the commit. `work` may run more than once. */
export async function inTransaction<T>(orm: MikroORM, work: (em: EntityManager) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await orm.em.fork().transactional(work);
    } catch (error) {
      if (attempt >= MAX_TRIES || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
      await delay(Math.random() * 10 * 2 ** attempt);
    }
  }
}
