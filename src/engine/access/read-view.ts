// A view of the database that caches its reads, shared by any number of executions. It knows no viewer.
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { type Loader, Loaders } from '../database/loaders.js';

export class ReadView {
  private reading: { readonly em: EntityManager; readonly loaders: Loaders } | undefined;

  /** `lastCursor`: the newest event that this instance has applied. Everything read through the view is at least as new. */
  constructor(
    private readonly orm: MikroORM,
    readonly lastCursor: string,
  ) {}

  get em(): EntityManager {
    return this.opened.em;
  }

  /** Loads one value, batched with its siblings in one statement. */
  load<K, V>(loader: Loader<K, V>, key: K): Promise<V> {
    return this.opened.loaders.load(loader, key);
  }

  /** A new view with the old cursor, since data read before a write may be shown beside data read after it. */
  renewed(): ReadView {
    return new ReadView(this.orm, this.lastCursor);
  }

  /** Created at the first read, since many operations never read. */
  private get opened(): { readonly em: EntityManager; readonly loaders: Loaders } {
    if (!this.reading) {
      const em = this.orm.em.fork();
      this.reading = { em, loaders: new Loaders(em) };
    }
    return this.reading;
  }
}
