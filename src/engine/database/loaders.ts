// Batches of one operation: a loader is declared once, beside what it loads, and lives as long as the operation.
import type { EntityName } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import DataLoader from 'dataloader';
import { fromRow, type Row } from './rows.js';

/** What is loaded for many keys in one statement: one result a key, in the order of the keys. */
export type Batch<K, V> = (em: EntityManager, keys: readonly K[]) => Promise<readonly V[]>;

/** A declared loader. Never keyed by viewer: what may be seen is decided by resolvers and root queries. */
export class Loader<K, V> {
  /** `textOf`: what makes two keys the same, for keys that are objects. */
  constructor(
    readonly batch: Batch<K, V>,
    readonly textOf?: (key: K) => string,
  ) {}
}

const itself = (key: unknown) => key;

/** The loaders of one operation, or of all executions of one event, over one entity manager. */
export class Loaders {
  private readonly byDeclaration = new Map<Loader<never, unknown>, DataLoader<never, unknown, unknown>>();

  constructor(private readonly em: EntityManager) {}

  load<K, V>(loader: Loader<K, V>, key: K): Promise<V> {
    const declared = loader as unknown as Loader<never, unknown>;
    let made = this.byDeclaration.get(declared) as DataLoader<K, V, unknown> | undefined;
    if (!made) {
      made = new DataLoader<K, V, unknown>((keys) => loader.batch(this.em, keys).then((values) => [...values]), {
        maxBatchSize: 500,
        cacheKeyFn: loader.textOf ?? itself,
      });
      this.byDeclaration.set(declared, made);
    }
    return made.load(key);
  }
}

/** Rows in the order of their keys, `undefined` where there is none. */
export function inKeyOrder<K, V>(keys: readonly K[], rows: readonly V[], keyOf: (row: V) => K): (V | undefined)[] {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  return keys.map((key) => byKey.get(key));
}

/** What has this id in the table of `entity`, for reading. */
export function byId<T extends { readonly id: string }>(entity: EntityName<T>): Loader<string, T | undefined> {
  return new Loader(async (em, ids) => {
    const table = em.getPlatform().quoteIdentifier(em.getMetadata(entity).tableName);
    const sql = `select * from ${table} where id = any(string_to_array(?, ',')::uuid[])`;
    const rows = await em.execute<Row[]>(sql, [ids.join(',')]);
    return inKeyOrder(ids, rows, ({ id }) => id).map((row) => row && fromRow(em, entity, row));
  });
}
