// Gives back to the pool what was lost: by the network, or together with the work that was given up while it held it.
import type { PostgreSqlConnection } from '@mikro-orm/postgresql';
import { currentWait, type Wait } from './answered.js';

type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>;

/** A connection of the pool, as far as it is needed here. */
interface Client extends NodeJS.EventEmitter {
  readonly connection: { readonly stream: { readonly destroyed: boolean; destroy(): unknown } };
  release(destroy?: boolean): void;
}

/**
 * For each pool that it is called with: connections that end, or whose work is given up, while they are in use are taken out of it, so
 * that new ones take their place.
 */
export function giveBackLost(): (pool: Pool) => void {
  const open = new Set<Client>();
  /** With who waits for it, if that may be given up. */
  const inUse = new Map<Client, Wait | undefined>();

  const lose = (client: Client) => {
    // What has swallowed one has most likely swallowed all: those that nobody uses would be found out one after the other.
    for (const other of open) if (other === client || !inUse.has(other)) other.connection.stream.destroy();
  };

  return (pool) => {
    pool.on('acquire', (client) => inUse.set(client, undefined));
    pool.on('release', (_error, client) => {
      inUse.get(client)?.leave(client);
      inUse.delete(client);
    });
    // Kysely gives a connection back after its COMMIT or ROLLBACK alone, and neither succeeds on a dead one: without this, each
    // connection lost in a transaction would make the pool smaller for ever.
    pool.on('connect', (client) => {
      open.add(client);
      client.once('end', () => {
        open.delete(client);
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
      while (client.connection.stream.destroyed) {
        client.release(true);
        client = await connect();
      }
      if (!wait) return client;
      inUse.set(client, wait);
      wait.hold(client, () => lose(client));
      return client;
    }) as Pool['connect'];
  };
}
