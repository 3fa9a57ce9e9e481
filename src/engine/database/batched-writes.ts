// Sends statements that are issued on a connection in one turn of the event loop in one write. Otherwise the second would wait for
// the end of the turn.
import type { PostgreSqlConnection } from '@mikro-orm/postgresql';

export type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>;

/** The parts of a pooled connection that are needed here. */
interface Client {
  readonly connection: { readonly stream: { cork(): void; uncork(): void } };
  query(...args: unknown[]): unknown;
}

export function batchWrites(pool: Pool): void {
  pool.on('connect', (connected) => {
    const client = connected as unknown as Client;
    const { stream } = client.connection;
    const prototype = Object.getPrototypeOf(client) as Client;
    client.query = (...args) => {
      stream.cork();
      process.nextTick(() => stream.uncork());
      return prototype.query.apply(client, args);
    };
  });
}
