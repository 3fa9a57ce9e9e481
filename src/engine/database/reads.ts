// Reads rows to show them, without the ORM, whose `find` costs four times the CPU. Statements that are issued together share a
// connection and a flush, and PostgreSQL plans each only once per connection.
import type { MikroORM } from '@mikro-orm/postgresql';
import { types } from 'pg';
import { keepsStatements, nameOf, wasNotKept } from './kept-statements.js';
import type { PoolName } from './orm-options.js';

/** What reads rows. */
export interface Reader {
  /** The rows of `sql`, whose parameters are `?`. Its text is of our own making, in a bounded number of forms. */
  rows<R>(sql: string, values: readonly unknown[]): Promise<R[]>;
}

/** The parts of a pooled connection that are needed here. */
interface Client {
  query(
    statement: { readonly name?: string; readonly text: string; readonly types: typeof VALUES },
    values: readonly unknown[],
    done: (error: Error | null, result: { readonly rows: unknown[] }) => void,
  ): void;
  release(): void;
}

interface Waiting {
  readonly sql: string;
  readonly values: readonly unknown[];
  readonly resolve: (rows: never[]) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly rows: unknown[] } | { readonly error: unknown };

export class Reads implements Reader {
  private waiting: Waiting[] = [];

  /** `pool`: see orm-options.ts. */
  constructor(
    private readonly orm: MikroORM,
    private readonly pool: PoolName = 'write',
  ) {}

  rows<R>(sql: string, values: readonly unknown[]): Promise<R[]> {
    const { promise, resolve, reject } = Promise.withResolvers<R[]>();
    // Loaders dispatch their batches in ticks that are queued already: those of one level of a document are sent together.
    if (this.waiting.push({ sql, values, resolve, reject }) === 1) process.nextTick(() => void this.send());
    return promise;
  }

  /** All results are handed on together, so that what they are needed for is again read together. */
  private async send(): Promise<void> {
    const sent = this.waiting;
    this.waiting = [];
    try {
      const outcomes = await this.outcomesOf(sent);
      for (const [at, { resolve, reject }] of sent.entries()) {
        const outcome = outcomes[at]!;
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.rows as never[]);
      }
    } catch (error) {
      for (const { reject } of sent) reject(error);
    }
  }

  private async outcomesOf(sent: readonly Waiting[]): Promise<readonly Outcome[]> {
    const connection = this.orm.em.getDriver().getConnection(this.pool);
    const pool = await connection.getNativeClient();
    const client = (await pool.connect()) as unknown as Client;
    const named = keepsStatements(client);
    try {
      return await Promise.all(sent.map((one) => outcomeOf(client, one, named)));
    } finally {
      client.release();
    }
  }
}

function outcomeOf(client: Client, { sql, values }: Waiting, named: boolean): Promise<Outcome> {
  const text = textOf(sql);
  return new Promise((resolve) => {
    const send = (name: string | undefined): void => {
      const statement = { ...(name ? { name } : {}), text, types: VALUES };
      client.query(statement, values, (error, result) => {
        if (error && name && wasNotKept(error, text, name)) send(undefined);
        else resolve(error ? { error } : { rows: result.rows });
      });
    };
    send(named ? nameOf(text) : undefined);
  });
}

/** By text with `?`. */
const texts = new Map<string, string>();
const MAX_TEXTS = 500;

function textOf(sql: string): string {
  const known = texts.get(sql);
  if (known !== undefined) return known;
  const text = numbered(sql);
  if (texts.size < MAX_TEXTS) texts.set(sql, text);
  return text;
}

/** Each `?` as `$1`, `$2` … */
function numbered(sql: string): string {
  let last = 0;
  return sql.replaceAll('?', () => `$${(last += 1)}`);
}

const { NUMERIC, TIMESTAMPTZ } = types.builtins;
const timeOf = types.getTypeParser(TIMESTAMPTZ);

/** Every session is in UTC and writes ISO 8601, see database-requirements.ts. */
function parseTime(text: string): unknown {
  const time = text.endsWith('+00') ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`) : undefined;
  return time && !Number.isNaN(time.getTime()) ? time : timeOf(text);
}

/** How values arrive: as the entities have them. */
const VALUES = {
  getTypeParser: (type: number, format?: 'text') => {
    if (type === TIMESTAMPTZ) return parseTime;
    return type === NUMERIC ? Number : types.getTypeParser(type, format);
  },
};
