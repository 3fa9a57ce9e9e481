// Records the statements that the process under test sends to PostgreSQL, BEGIN and COMMIT included, by patching the
// driver.
import { createRequire } from 'node:module';

type Query = (this: unknown, ...args: unknown[]) => unknown;

// The ORM's copy of the driver, which may differ from the one that tests import.
const { Client } = createRequire(import.meta.resolve('@mikro-orm/postgresql'))('pg') as {
  Client: { prototype: { query: Query } };
};

/** The log follower's poll, twice a second, which belongs to no request. */
const FOLLOWER_QUERY = /from event where (?:event\.)?pos /;

/** Calls `listener` with every statement and its values that this process sends while `work` runs. */
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

/** The statements sent while `work` runs, without the follower's polls. */
export async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const sent: string[] = [];
  await listenToStatements((sql) => FOLLOWER_QUERY.test(sql) || sent.push(sql), work);
  return sent;
}

/**
 * The fewest statements that `work` needs once caches are warm, of several attempts. Under load a batch may be split in
 * two, so that an attempt sends more; none can send fewer.
 */
export async function fewestStatementsOf(work: () => Promise<unknown>, tries = 5): Promise<string[]> {
  // The first run fills caches, such as the session of the caller.
  await work();
  let fewest: string[] | undefined;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const sent = await statementsOf(work);
    if (!fewest || sent.length < fewest.length) fewest = sent;
  }
  return fewest ?? [];
}
