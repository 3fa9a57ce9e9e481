// Gives back to the pool what was lost: by the network, or together with the work that was given up while it held it.
import type { PostgreSqlConnection } from '@mikro-orm/postgresql';
import { currentWait } from './answered.js';

type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>;

/** A connection of the pool, as far as it is needed here. */
interface Client extends NodeJS.EventEmitter {
  readonly connection: { readonly stream: { readonly destroyed: boolean; destroy(): unknown } };
  query: (sql: string) => Promise<unknown>;
  release(destroy?: boolean): void;
}

/**
 * ms that work which has no limit of its own, such as a request, may hold a connection. PostgreSQL itself ends every statement
 * sooner (see `ormOptions`): what has not come by then has been swallowed on its way.
 */
const HELD_MS = 25_000;
/** ms in which a connection that may have been lost says that it was not. */
const PROBE_MS = 1_000;

/**
 * For each pool that it is called with: connections that end, or whose work is given up, while they are in use are taken out of it, so
 * that new ones take their place. Work that has no limit of its own is given up after `heldMs`.
 */
export function giveBackLost(heldMs = HELD_MS): (pool: Pool) => void {
  const open = new Set<Client>();
  /** With what is to be done when it is given back. */
  const inUse = new Map<Client, () => void>();
  /** Nobody used them when another one was lost: what has swallowed that one may have swallowed them too. */
  const doubtful = new Set<Client>();

  const lose = (client: Client) => {
    client.connection.stream.destroy();
    for (const other of open) if (!inUse.has(other)) doubtful.add(other);
  };
  const isLost = async (client: Client): Promise<boolean> => {
    doubtful.delete(client);
    const timer = setTimeout(() => client.connection.stream.destroy(), PROBE_MS);
    const failed = await client.query('select 1').then(
      () => false,
      () => true,
    );
    clearTimeout(timer);
    // The others would be found out one after the other.
    if (failed) for (const other of doubtful) other.connection.stream.destroy();
    return failed;
  };

  return (pool) => {
    pool.on('acquire', (client) => inUse.set(client, () => {}));
    pool.on('release', (_error, client) => {
      inUse.get(client)?.();
      inUse.delete(client);
    });
    // Kysely gives a connection back after its COMMIT or ROLLBACK alone, and neither succeeds on a dead one: without this, each
    // connection lost in a transaction would make the pool smaller for ever.
    pool.on('connect', (client) => {
      open.add(client);
      // Whoever uses it next learns why it ended: the driver alone would say that it has.
      client.once('error', (error: Error) => {
        client.query = async () => {
          throw error;
        };
      });
      client.once('end', () => {
        open.delete(client);
        doubtful.delete(client);
        // A single statement gives its connection back as soon as it has failed: only what is left after that is lost.
        setImmediate(() => {
          if (inUse.has(client)) client.release(true);
        });
      });
    });

    const connect = pool.connect.bind(pool) as () => Promise<Client>;
    pool.connect = (async () => {
      const wait = currentWait();
      wait?.assertGoingOn();
      let client = await connect();
      // It takes a turn until the pool hears of what was lost.
      while (client.connection.stream.destroyed || (doubtful.has(client) && (await isLost(client)))) {
        client.release(true);
        client = await connect();
      }
      const held = client;
      if (wait) {
        inUse.set(held, () => wait.leave(held));
        wait.hold(held, () => lose(held));
      } else {
        const timer = setTimeout(() => lose(held), heldMs);
        inUse.set(held, () => clearTimeout(timer));
      }
      return held;
    }) as Pool['connect'];
  };
}
