// One look at the database: what is read through it is read once, however many executions share it. It knows no viewer.
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { type Loader, Loaders } from '../database/loaders.js';

export class ReadView {
  private reading: { readonly em: EntityManager; readonly loaders: Loaders } | undefined;

  /** `lastCursor`: of the newest event that this node has applied. All that is read through the view is newer. */
  constructor(
    private readonly orm: MikroORM,
    readonly lastCursor: string,
  ) {}

  get em(): EntityManager {
    return this.opened.em;
  }

  /** One of a batch, loaded in one statement with its siblings. */
  load<K, V>(loader: Loader<K, V>, key: K): Promise<V> {
    return this.opened.loaders.load(loader, key);
  }

  /** A view that has read nothing. Its cursor is as old: what was read before a write may be shown beside what is read after it. */
  renewed(): ReadView {
    return new ReadView(this.orm, this.lastCursor);
  }

  /** Made at the first read, for many operations never do. */
  private get opened(): { readonly em: EntityManager; readonly loaders: Loaders } {
    if (!this.reading) {
      const em = this.orm.em.fork();
      this.reading = { em, loaders: new Loaders(em) };
    }
    return this.reading;
  }
}
