// Batching loaders: declared once beside the data they load, instantiated per operation.
import DataLoader from 'dataloader';
import type { Reader } from './reads.js';
import type { Shown } from './shown.js';

/** Loads many keys in one statement: one result per key, in the order of the keys. */
export type Batch<K, V> = (reader: Reader, keys: readonly K[]) => Promise<readonly V[]>;

/** A declared loader. Never keyed by viewer: resolvers and root queries decide about visibility. */
export class Loader<K, V> {
  /** `textOf`: identity of keys that are objects. */
  constructor(
    readonly batch: Batch<K, V>,
    readonly textOf?: (key: K) => string,
  ) {}
}

const itself = (key: unknown) => key;

/** The loaders of one operation, or of all executions of one event, over one reader. */
export class Loaders {
  private readonly byDeclaration = new Map<Loader<never, unknown>, DataLoader<never, unknown, unknown>>();

  constructor(private readonly reader: Reader) {}

  load<K, V>(loader: Loader<K, V>, key: K): Promise<V> {
    const declared = loader as unknown as Loader<never, unknown>;
    let made = this.byDeclaration.get(declared) as DataLoader<K, V, unknown> | undefined;
    if (!made) {
      made = new DataLoader<K, V, unknown>((keys) => loader.batch(this.reader, keys).then((values) => [...values]), {
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

/** Loads rows by id. */
export function byId<R extends { readonly id: string }>({ table, columns }: Shown<R>): Loader<string, R | undefined> {
  const sql = `select ${columns} from ${table} where id = any(string_to_array(?, ',')::uuid[])`;
  return new Loader(async (reader, ids) => inKeyOrder(ids, await reader.rows<R>(sql, [ids.join(',')]), ({ id }) => id));
}
