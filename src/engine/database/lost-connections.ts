// Removes connections from the pool that were lost, by the network or because their work timed out.
import type { PostgreSqlConnection } from '@mikro-orm/postgresql';
import { currentTimedWork } from './with-timeout.js';

type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>;

/** The parts of a pooled connection that are needed here. */
interface Client extends NodeJS.EventEmitter {
  readonly connection: NodeJS.EventEmitter & { readonly stream: { readonly destroyed: boolean; destroy(): unknown } };
  query: (sql: string) => Promise<unknown>;
  release(destroy?: boolean): void;
}

/**
 * ms for which work without a time-out, such as a request, may hold a connection. PostgreSQL ends every statement earlier (see
 * `ormOptions`), so an answer that is still missing was lost on the network.
 */
const HELD_MS = 25_000;
/** SQLSTATEs with which PostgreSQL or a pooler ends a session: shut down, idle in a transaction for too long, out of step. */
const ENDED = /^(08|57P0|25P0[34]$)/;
/** ms in which a probed connection must answer. */
const PROBE_MS = 1_000;

/**
 * For a pool: removes connections that end, or whose work times out, while in use, so that new ones replace them. Work without a
 * time-out ends after `heldMs`.
 */
export function removeLostConnections(heldMs = HELD_MS): (pool: Pool) => void {
  const open = new Set<Client>();
  /** In use, with what to do when it is returned. */
  const inUse = new Map<Client, () => void>();
  /** Idle when another one was lost: the same failure may have affected them. */
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
    // Otherwise each lost connection would be found separately.
    if (failed) for (const other of doubtful) other.connection.stream.destroy();
    return failed;
  };

  return (pool) => {
    pool.on('acquire', (client) => inUse.set(client, () => {}));
    pool.on('release', (_error, client) => {
      inUse.get(client)?.();
      inUse.delete(client);
    });
    // Kysely returns a connection only after COMMIT or ROLLBACK, neither of which succeeds on a dead one: without this, each connection
    // lost in a transaction would shrink the pool permanently.
    pool.on('connect', (client) => {
      open.add(client);
      // The statement that gets the error returns the connection before its end is noticed: nobody else may get it.
      client.connection.on('errorMessage', ({ code }: { readonly code?: string }) => {
        if (ENDED.test(code ?? '')) client.connection.stream.destroy();
      });
      // The next user learns why it ended, which the driver alone would not say.
      client.once('error', (error: Error) => {
        client.query = failing(error) as typeof client.query;
      });
      client.once('end', () => {
        open.delete(client);
        doubtful.delete(client);
        // A single statement returns its connection when it fails: only what remains is lost.
        setImmediate(() => {
          if (inUse.has(client)) client.release(true);
        });
      });
    });

    const connect = pool.connect.bind(pool) as () => Promise<Client>;
    pool.connect = (async () => {
      const work = currentTimedWork();
      work?.assertInTime();
      let client = await connect();
      // The pool handles the loss in a later turn of the event loop.
      while (client.connection.stream.destroyed || (doubtful.has(client) && (await isLost(client)))) {
        client.release(true);
        client = await connect();
      }
      const held = client;
      if (work) {
        inUse.set(held, () => work.release(held));
        work.hold(held, () => lose(held));
      } else {
        const timer = setTimeout(() => lose(held), heldMs);
        inUse.set(held, () => clearTimeout(timer));
      }
      return held;
    }) as Pool['connect'];
  };
}

/** The `query` of a connection that has failed: with a callback or, without one, a promise. */
function failing(error: Error): (...args: unknown[]) => Promise<never> | undefined {
  return (...args) => {
    const done = args.at(-1);
    if (typeof done !== 'function') return Promise.reject(error);
    process.nextTick(done, error);
    return undefined;
  };
}
