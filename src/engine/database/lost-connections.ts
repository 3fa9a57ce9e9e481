// Gives back to the pool what was lost in a transaction. Kysely gives a connection back after its COMMIT or ROLLBACK alone,
// and neither succeeds on a dead one: without this, each connection lost in a transaction makes the pool smaller for ever.
import type { PostgreSqlConnection } from '@mikro-orm/postgresql';

type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>;

/** Takes connections that end while they are in use out of `pool`, so that new ones take their place. */
export function giveBackLost(pool: Pool): void {
  const inUse = new Set<object>();
  pool.on('acquire', (client) => inUse.add(client));
  pool.on('release', (_error, client) => inUse.delete(client));
  pool.on('connect', (client) => {
    client.once('end', () => {
      // A single statement gives its connection back as soon as it has failed: only what is left after that is lost.
      setImmediate(() => {
        if (inUse.has(client)) client.release(true);
      });
    });
  });
}
