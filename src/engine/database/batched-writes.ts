// Sends statements that are issued on a connection in one turn of the event loop in one write. Otherwise the second would wait for
// the end of the turn.
import type { PostgreSqlConnection } from '@mikro-orm/postgresql';
import { keepsStatements, nameOf } from './kept-statements.js';

export type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>;

/** The parts of a pooled connection that are needed here. */
interface Client {
  readonly connection: { readonly stream: { cork(): void; uncork(): void } };
  query(...args: unknown[]): unknown;
}

/** Those with parameters are few, see `execute`: each connection keeps their plans. The ORM writes values into the text. */
function named([text, values, ...rest]: unknown[]): unknown[] {
  if (typeof text !== 'string' || !Array.isArray(values) || values.length === 0) return [text, values, ...rest];
  const name = nameOf(text);
  return [name === undefined ? text : { name, text }, values, ...rest];
}

export function batchWrites(pool: Pool): void {
  pool.on('connect', (connected) => {
    const client = connected as unknown as Client;
    const { stream } = client.connection;
    const prototype = Object.getPrototypeOf(client) as Client;
    client.query = (...args) => {
      stream.cork();
      process.nextTick(() => stream.uncork());
      return prototype.query.apply(client, keepsStatements(client) ? named(args) : args);
    };
  });
}
