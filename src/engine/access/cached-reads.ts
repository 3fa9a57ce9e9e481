// Reads of the database, cached and shared by any number of executions. They know no viewer.
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { type Loader, Loaders } from '../database/loaders.js';
import { type Reader, Reads } from '../database/reads.js';

export class CachedReads implements Reader {
  private readonly reads: Reads;
  private readonly loaders: Loaders;
  private entities: EntityManager | undefined;

  /** `lastCursor`: the newest event that this instance has applied. Everything read here is at least as new. */
  constructor(
    private readonly orm: MikroORM,
    readonly lastCursor: string,
  ) {
    this.reads = new Reads(orm);
    this.loaders = new Loaders(this.reads);
  }

  /** Created at the first use, since few operations need one. */
  get em(): EntityManager {
    return (this.entities ??= this.orm.em.fork());
  }

  rows<R>(sql: string, values: readonly unknown[]): Promise<R[]> {
    return this.reads.rows(sql, values);
  }

  /** Loads one value, batched with its siblings in one statement. */
  load<K, V>(loader: Loader<K, V>, key: K): Promise<V> {
    return this.loaders.load(loader, key);
  }

  /** An empty cache with the same cursor, since data read before a write may be shown beside data read after it. */
  renewed(): CachedReads {
    return new CachedReads(this.orm, this.lastCursor);
  }
}
