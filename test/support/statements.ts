// Counts what really reaches PostgreSQL from the service under test, begin and commit included, below every layer of ours.
import { createRequire } from 'node:module';

type Query = (this: unknown, ...args: unknown[]) => unknown;

// The driver of the ORM, which need not be the copy that the tests themselves connect with.
const { Client } = createRequire(import.meta.resolve('@mikro-orm/postgresql'))('pg') as {
  Client: { prototype: { query: Query } };
};

/** The node's own look at its log, twice a second whether or not anybody asks: no cost of any request. */
const FOLLOWER_QUERY = /from event where (?:event\.)?pos /;

/** Tells `listener` each statement, with its values, that is sent while `work` runs, by whomever in this process. */
export async function listenToStatements(
  listener: (sql: string, values: readonly unknown[]) => void,
  work: () => Promise<unknown>,
): Promise<void> {
  const { query } = Client.prototype;
  Client.prototype.query = function tell(...args) {
    const [text, values] = args;
    const sql = typeof text === 'string' ? text : String((text as { text?: unknown } | undefined)?.text);
    listener(sql, Array.isArray(values) ? values : []);
    return query.apply(this, args);
  };
  try {
    await work();
  } finally {
    Client.prototype.query = query;
  }
}

/** The statements that were sent while `work` ran. */
export async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const sent: string[] = [];
  await listenToStatements((sql) => FOLLOWER_QUERY.test(sql) || sent.push(sql), work);
  return sent;
}

/**
 * The statements that `work` cannot do without in the steady state: the fewest of several tries. On a busy machine a batch may be sent in two
 * parts; nothing can make a try send fewer.
 */
export async function fewestStatementsOf(work: () => Promise<unknown>, tries = 5): Promise<string[]> {
  // The first time reads what every later one finds in memory, such as the session of who asks.
  await work();
  let fewest: string[] | undefined;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const sent = await statementsOf(work);
    if (!fewest || sent.length < fewest.length) fewest = sent;
  }
  return fewest ?? [];
}
