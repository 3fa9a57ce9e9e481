// Every statement that reaches PostgreSQL from this process, once each, whatever its values: with an example of them, so that it can be
// explained afterwards.
import { listenToStatements } from './statements.js';

export interface SentStatement {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** Statements of a transaction itself, and settings: they have no plan. */
const NO_PLAN = /^\s*(begin|start|commit|rollback|savepoint|release|set|show|lock)\b/i;

/** Examples that are kept of a statement: its plan may depend on its values. */
const EXAMPLES = 6;

/** Begins what a test sends on its own behalf. */
export const OF_THE_TEST = '/* test */';

/** Runs `work` and returns what was sent meanwhile, by its text without values. */
export async function statementsSentBy(work: () => Promise<unknown>): Promise<Map<string, SentStatement[]>> {
  const sent = new Map<string, SentStatement[]>();
  await listenToStatements((sql, values) => {
    if (NO_PLAN.test(sql) || sql.startsWith(OF_THE_TEST)) return;
    const shape = shapeOf(sql);
    // Of many the last: by then there is most to find.
    sent.set(shape, [...(sent.get(shape) ?? []), { sql, values }].slice(-EXAMPLES));
  }, work);
  return sent;
}

/** The statement without its values; lists of values are as good as one. */
export function shapeOf(sql: string): string {
  return sql
    .replace(/\s+/g, ' ')
    .replace(/E?'(?:[^']|'')*'/g, '?')
    .replace(/\b\d+(?:\.\d+)?\b/g, '?')
    .replace(/(?:\?, ?)+\?/g, '?')
    .trim();
}
