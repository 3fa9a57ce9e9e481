// Ids that sort by time of writing, on the database's clock, which all instances share.
import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 as uuid } from 'uuid';

/** UUIDv7 of `at`, in ms since 1970 with a fraction, which comes behind the ms (RFC 9562, 6.2, method 3). */
export function idAt(at: number): string {
  return uuid({ msecs: Math.floor(at), seq: Math.floor((at % 1) * 2 ** 32) });
}

/** The ms at which the object with this id was written. */
export function timeOf(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** The database's time in ms since 1970 with a fraction, since clocks of instances differ. */
export async function databaseTime(em: EntityManager): Promise<number> {
  const sql = 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms';
  const [row] = await em.execute<{ ms: number }[]>(sql);
  return row!.ms;
}
