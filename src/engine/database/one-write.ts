// Statements that are made on a connection in one turn of the event loop leave in one write. Without this the second would stay
// in this process until the turn ends.
import type { PostgreSqlConnection } from '@mikro-orm/postgresql';

export type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>;

/** A connection of the pool, as far as it is needed here. */
interface Client {
  readonly connection: { readonly stream: { cork(): void; uncork(): void } };
  query(...args: unknown[]): unknown;
}

export function sendTogether(pool: Pool): void {
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
