// Runs EXPLAIN ANALYZE on a statement in a transaction that is rolled back, and summarizes the plan.
import { type ClientBase, escapeLiteral, type QueryResult } from 'pg';
import type { SentStatement } from './sent-statements.js';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

export interface Plan {
  /** Rows returned. */
  readonly rows: number;
  readonly ms: number;
  /** Pages (8 KB) read, from cache or disk. */
  readonly pages: number;
  /** The most rows read by one scan, including rows removed by filters. */
  readonly read: number;
  /** Access method of each table, such as `event by event_pkey`. */
  readonly scans: readonly string[];
  /** Rows written. */
  readonly written: number;
  /** Rows read per table, including those read by functions and triggers. */
  readonly nested: readonly Touched[];
  /** Input rows of the largest sort. */
  readonly sorted: number;
}

/** Rows that the current transaction has read of each table, including reads by functions and triggers. */
const TOUCHED = `
select relname as table, seq_tup_read::int + coalesce(idx_tup_fetch, 0)::int as read
  from pg_stat_xact_user_tables`;

export async function planOf(client: ClientBase, { sql, values }: SentStatement): Promise<Plan> {
  await client.query('begin');
  try {
    const before = await touchedBy(client);
    const explained = await explain(client, { sql, values }).catch((error: { code?: string }) => {
      // Expected when a statement is repeated: integrity violations (23…), 40001, and the service's own errors (TD…).
      if (!/^(23|40001|TD)/.test(error.code ?? '')) throw new Error(`Cannot be explained: ${sql}`, { cause: error });
    });
    if (!explained) return { rows: 0, ms: 0, pages: 0, read: 0, scans: [], sorted: 0, written: 0, nested: [] };
    const [{ Plan: root, 'Execution Time': ms }] = explained.rows[0]['QUERY PLAN'];
    const nodes = [...flat(root)];
    const scans = nodes.filter((node) => node['Relation Name'] !== undefined && /Scan/.test(node['Node Type']));
    const sorts = nodes.filter((node) => /^(Incremental )?Sort$/.test(node['Node Type']));
    const written = nodes
      .filter((node) => node['Node Type'] === 'ModifyTable')
      .map(({ Plans = [] }) => (Plans[0] ? rowsOf(Plans[0]) : 0));
    const nested = (await touchedBy(client)).map((now) => {
      const earlier = before.find(({ table }) => table === now.table);
      return { ...now, read: now.read - (earlier?.read ?? 0) };
    });
    return {
      nested,
      written: Math.max(0, ...written),
      rows: root['Actual Rows'],
      ms,
      pages: root['Shared Hit Blocks'] + root['Shared Read Blocks'],
      read: Math.max(0, ...nodes.filter((node) => /Scan/.test(node['Node Type'])).map(readBy)),
      scans: [...new Set(scans.map((node) => `${node['Relation Name']} ${wayOf(node)}`))],
      sorted: Math.max(0, ...sorts.map((node) => (node.Plans?.[0] ? rowsOf(node.Plans[0]) : 0))),
    };
  } finally {
    await client.query('rollback');
  }
}

interface Touched {
  readonly table: string;
  readonly read: number;
}

const touchedBy = async (client: ClientBase): Promise<readonly Touched[]> =>
  (await client.query<Touched>(TOUCHED)).rows;
/** Uses the generic plan for statements with parameters, as the service's connections do. */
async function explain(client: ClientBase, { sql, values }: SentStatement): Promise<QueryResult> {
  const options = 'analyze, buffers, format json';
  if (values.length === 0) return client.query(`explain (${options}) ${sql}`);
  await client.query('deallocate all; set local plan_cache_mode = force_generic_plan');
  await client.query(`prepare explained as ${sql}`);
  const literals = values.map((value) => (value === null ? 'null' : escapeLiteral(textOf(value))));
  return client.query(`explain (${options}) execute explained(${literals.join(', ')})`);
}

/** The value in PostgreSQL's text format, as the driver sends it. */
function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`;
  if (Array.isArray(value)) return `{${value.map((one) => JSON.stringify(textOf(one))).join(',')}}`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function* flat(node: PlanNode): Iterable<PlanNode> {
  yield node;
  for (const child of node.Plans ?? []) yield* flat(child);
}

const rowsOf = (node: PlanNode): number => Math.round(node['Actual Rows'] * node['Actual Loops']);

function readBy(node: PlanNode): number {
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return rowsOf(node) + removed * node['Actual Loops'];
}

const wayOf = (node: PlanNode): string =>
  node['Index Name'] ? `by ${node['Index Name']}` : node['Node Type'].toLowerCase();
