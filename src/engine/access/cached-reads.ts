// Reads of the database, cached and shared by any number of executions. They know no viewer.
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { type Loader, Loaders } from '../database/loaders.js';

export class CachedReads {
  private reading: { readonly em: EntityManager; readonly loaders: Loaders } | undefined;

  /** `lastCursor`: the newest event that this instance has applied. Everything read here is at least as new. */
  constructor(
    private readonly orm: MikroORM,
    readonly lastCursor: string,
  ) {}

  get em(): EntityManager {
    return this.state.em;
  }

  /** Loads one value, batched with its siblings in one statement. */
  load<K, V>(loader: Loader<K, V>, key: K): Promise<V> {
    return this.state.loaders.load(loader, key);
  }

  /** An empty cache with the same cursor, since data read before a write may be shown beside data read after it. */
  renewed(): CachedReads {
    return new CachedReads(this.orm, this.lastCursor);
  }

  /** Created at the first read, since many operations never read. */
  private get state(): { readonly em: EntityManager; readonly loaders: Loaders } {
    if (!this.reading) {
      const em = this.orm.em.fork();
      this.reading = { em, loaders: new Loaders(em) };
    }
    return this.reading;
  }
}
