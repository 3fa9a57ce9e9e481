// Batching loaders: declared once beside the data they load, instantiated per operation.
import type { EntityName } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import DataLoader from 'dataloader';
import { fromRow, type Row } from './rows.js';

/** Loads many keys in one statement: one result per key, in the order of the keys. */
export type Batch<K, V> = (em: EntityManager, keys: readonly K[]) => Promise<readonly V[]>;

/** A declared loader. Never keyed by viewer: resolvers and root queries decide about visibility. */
export class Loader<K, V> {
  /** `textOf`: identity of keys that are objects. */
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

/** Rows in the order of their keys, `undefined` for missing ones. */
export function inKeyOrder<K, V>(keys: readonly K[], rows: readonly V[], keyOf: (row: V) => K): (V | undefined)[] {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  return keys.map((key) => byKey.get(key));
}

/** Loads rows of `entity` by id, for reading. */
export function byId<T extends { readonly id: string }>(entity: EntityName<T>): Loader<string, T | undefined> {
  return new Loader(async (em, ids) => {
    const table = em.getPlatform().quoteIdentifier(em.getMetadata(entity).tableName);
    const sql = `select * from ${table} where id = any(string_to_array(?, ',')::uuid[])`;
    const rows = await em.execute<Row[]>(sql, [ids.join(',')]);
    return inKeyOrder(ids, rows, ({ id }) => id).map((row) => row && fromRow(em, entity, row));
  });
}
