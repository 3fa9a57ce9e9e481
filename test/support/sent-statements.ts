// Records the distinct statements that this process sends to PostgreSQL, with examples of their values, so that they
// can be explained afterwards.
import { listenToStatements } from './statements.js';

export interface SentStatement {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** Transaction control and settings, which have no plan. */
const NO_PLAN = /^\s*(begin|start|commit|rollback|savepoint|release|set|show|lock)\b/i;

/** Examples kept per statement: the plan may depend on the values. */
const EXAMPLES = 6;

/** Prefix of statements that tests send themselves. */
export const OF_THE_TEST = '/* test */';

/** Runs `work` and returns the statements it sent, keyed by their text without values. */
export async function statementsSentBy(work: () => Promise<unknown>): Promise<Map<string, SentStatement[]>> {
  const sent = new Map<string, SentStatement[]>();
  await listenToStatements((sql, values) => {
    if (NO_PLAN.test(sql) || sql.startsWith(OF_THE_TEST)) return;
    const shape = shapeOf(sql);
    // Keeps the last examples: the tables have the most rows then.
    sent.set(shape, [...(sent.get(shape) ?? []), { sql, values }].slice(-EXAMPLES));
  }, work);
  return sent;
}

/** The statement with its literals replaced by `?`; lists of literals become one `?`. */
export function shapeOf(sql: string): string {
  return sql
    .replace(/\s+/g, ' ')
    .replace(/E?'(?:[^']|'')*'/g, '?')
    .replace(/\b\d+(?:\.\d+)?\b/g, '?')
    .replace(/(?:\?, ?)+\?/g, '?')
    .trim();
}
