// What PostgreSQL reads for a statement: its plan, run for real and undone.
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
  /** Rows that it returned, and ms that it took. */
  readonly rows: number;
  readonly ms: number;
  /** Pages of 8 KB that it touched. */
  readonly pages: number;
  /** Most rows that it read of one table, those that were not wanted included. */
  readonly read: number;
  /** How it reads each table, such as `event by event_pkey`. */
  readonly scans: readonly string[];
  /** Rows that it changed. */
  readonly written: number;
  /** The same by table, with what functions and triggers read. */
  readonly nested: readonly Touched[];
  /** Rows that the largest of its sorts took in. */
  readonly sorted: number;
}

/** Rows of each table that this connection has read since its statistics were last collected, in functions and triggers too. */
const TOUCHED = `
select relname as table, seq_tup_read::int + coalesce(idx_tup_fetch, 0)::int as read
  from pg_stat_xact_user_tables`;

export async function planOf(client: ClientBase, { sql, values }: SentStatement): Promise<Plan> {
  await client.query('begin');
  try {
    const before = await touchedBy(client);
    const explained = await explain(client, { sql, values }).catch((error: { code?: string }) => {
      // What was inserted is there already, or what it belongs to is gone, has ended, or has been left.
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
/** With parameters by the plan for all values, as the service's own connections have it. */
async function explain(client: ClientBase, { sql, values }: SentStatement): Promise<QueryResult> {
  const options = 'analyze, buffers, format json';
  if (values.length === 0) return client.query(`explain (${options}) ${sql}`);
  await client.query('deallocate all; set local plan_cache_mode = force_generic_plan');
  await client.query(`prepare explained as ${sql}`);
  const literals = values.map((value) => (value === null ? 'null' : escapeLiteral(textOf(value))));
  return client.query(`explain (${options}) execute explained(${literals.join(', ')})`);
}

/** As the driver writes it. */
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
