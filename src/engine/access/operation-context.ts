// What one operation carries, over HTTP and over a socket alike: who asks, from where, with which view of the database.
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { type Loader, Loaders } from '../database/loaders.js';
import { encodeCursor, type Position } from '../events/cursor.js';
import { type ServiceError, UnauthenticatedError } from '../errors/service-error.js';
import type { ClientInfo, Principal } from './role.js';

/** Who asks: a principal, or why there is none. `undefined`: nothing was shown, or it was not valid. */
export interface Caller {
  readonly principal?: Principal | undefined;
  readonly refusal?: ServiceError | undefined;
}

export class OperationContext {
  em: EntityManager;
  /** Cursor of the newest event that this node had applied when the operation began: all that it reads is newer. */
  readonly lastCursor: string;
  private loaders: Loaders;

  constructor(
    private readonly orm: MikroORM,
    private readonly log: { readonly position: Position },
    readonly client: ClientInfo,
    private caller: Caller,
    readonly via: 'http' | 'socket',
  ) {
    this.lastCursor = encodeCursor(log.position);
    this.em = orm.em.fork();
    this.loaders = new Loaders(this.em);
  }

  get principal(): Principal | undefined {
    return this.caller.principal;
  }

  /** The signed-in caller; throws {@link UnauthenticatedError}, or why the caller cannot be known now. */
  get viewer(): Principal {
    if (!this.caller.principal) throw this.caller.refusal ?? new UnauthenticatedError();
    return this.caller.principal;
  }

  /** One of a batch, loaded in one statement with its siblings. */
  load<K, V>(loader: Loader<K, V>, key: K): Promise<V> {
    return this.loaders.load(loader, key);
  }

  /** Forgets what was read: after a write, and for each event of a subscription. */
  refresh(): void {
    this.em = this.orm.em.fork();
    this.loaders = new Loaders(this.em);
  }

  /** The same caller with a view of its own: for one event, read at its present state. */
  renewed(): OperationContext {
    return new OperationContext(this.orm, this.log, this.client, this.caller, this.via);
  }

  /** From here on this operation speaks for the account that it has just signed in. */
  signIn(principal: Principal): void {
    this.caller = { principal };
  }
}
