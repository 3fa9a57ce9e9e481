// Sends statements that are issued on a connection in one turn of the event loop in one write. Otherwise the second would wait for
// the end of the turn.
import type { PostgreSqlConnection } from '@mikro-orm/postgresql';
import { keepsStatements, nameOf, wasNotKept } from './kept-statements.js';

export type Pool = Awaited<ReturnType<PostgreSqlConnection['getNativeClient']>>;

/** The parts of a pooled connection that are needed here. */
interface Client {
  readonly connection: { readonly stream: { cork(): void; uncork(): void } };
  query(...args: unknown[]): unknown;
}

type Run = (...args: unknown[]) => unknown;

/** Statements with parameters are few, see `execute`: each connection keeps their plans. The ORM writes values into the text. */
function runNamed(run: Run, [text, values, ...rest]: unknown[]): unknown {
  const hasValues = typeof text === 'string' && Array.isArray(values) && values.length > 0;
  const name = hasValues ? nameOf(text) : undefined;
  if (!hasValues || name === undefined) return run(text, values, ...rest);
  const result = run({ name, text }, values, ...rest) as Promise<unknown>;
  return result.catch((error: Error) => {
    // It is repeated, with its transaction, see unit-of-work.ts.
    wasNotKept(error, text, name);
    throw error;
  });
}

export function batchWrites(pool: Pool): void {
  pool.on('connect', (connected) => {
    const client = connected as unknown as Client;
    const { stream } = client.connection;
    // Looked up at each call: tests watch it.
    const run: Run = (...args) => (Object.getPrototypeOf(client) as Client).query.apply(client, args);
    client.query = (...args) => {
      stream.cork();
      process.nextTick(() => stream.uncork());
      return keepsStatements(client) ? runNamed(run, args) : run(...args);
    };
  });
}
