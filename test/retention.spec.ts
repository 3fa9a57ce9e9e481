// Retention of sign-in data and the audit trail: what is deleted and what is kept, in batches and without blocking
// others.
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { v7 as uuid } from 'uuid';
import { NotificationRetention } from '../src/domain/notifications/notification.retention.js';
import { AuditRetention } from '../src/engine/audit/audit.retention.js';
import { EventRetention, type Pruning } from '../src/engine/events/retention.js';
import { Metrics } from '../src/engine/monitoring/metrics.js';
import { SessionRetention } from '../src/engine/sessions/session.retention.js';
import type { TestDatabase } from './support/database.js';
import { useTidings } from './support/tidings.js';

const tidings = useTidings();
const ada = uuid();

let database: TestDatabase;
let orm: MikroORM;
let retention: EventRetention;

beforeAll(async () => {
  ({ database } = tidings.current);
  orm = tidings.current.app.get(MikroORM);
  retention = tidings.current.app.get(EventRetention);
  await accounts([ada]);
});
beforeEach(() =>
  database.query('truncate session, password_reset, password_reset_earlier, known_address, audit_entry'),
);

/** What `register` adds to a retention. */
function added(register: (to: EventRetention) => void): Pruning[] {
  const prunings: Pruning[] = [];
  const to: Pick<EventRetention, 'add'> = { add: (pruning) => prunings.push(pruning) };
  register(to as EventRetention);
  return prunings;
}

/** How PostgreSQL goes about each of them. */
async function plansOf(prunings: readonly Pruning[]): Promise<string[]> {
  const plans: string[] = [];
  const explain = async (sql: string, values: unknown[]) => {
    const lines = await orm.em.fork().execute<Record<string, string>[]>(`explain (costs off) ${sql}`, values);
    plans.push(lines.flatMap((line) => Object.values(line)).join('\n'));
    return [];
  };
  for (const pruning of prunings) await pruning({ execute: explain } as unknown as EntityManager, 10);
  return plans;
}

const accounts = (ids: readonly string[]) =>
  database.query(
    `insert into account (id, email, name, role, password_hash)
     select id, id || '@example.com', 'Ada', 'USER', 'hash' from unnest($1::uuid[]) as id`,
    [ids],
  );

/** Times are SQL intervals from now; what is said of none lies ahead. */
interface Times {
  readonly ended?: string;
  readonly idle?: string;
  readonly expires?: string;
}

const session = async (name: string, { ended, idle = '1 day', expires = '1 day' }: Times) =>
  database.query(
    `insert into session (id, account_id, seed, transport, address, user_agent, idle_expires_at, expires_at, ended_at, end_reason)
     values ($1, $2, $3, 'BODY', '::1', $4, now() + $5::interval, now() + $6::interval, now() + $7::interval, $8)`,
    [uuid(), ada, Buffer.alloc(32), name, idle, expires, ended ?? null, ended ? 'LOGOUT' : null],
  );
const kept = async () =>
  (await database.query<{ name: string }>('select user_agent as name from session order by id')).map(
    ({ name }) => name,
  );

describe('retention of sessions', () => {
  it('deletes a session 30 days after its end, idle limit or maximum age, whichever is first', async () => {
    await session('ended a month ago', { ended: '-30 days -1 minute' });
    await session('ended of late', { ended: '-30 days 1 minute' });
    await session('idle a month ago', { idle: '-30 days -1 minute' });
    await session('idle of late', { idle: '-30 days 1 minute' });
    await session('too old a month ago', { expires: '-30 days -1 minute' });
    await session('too old of late', { expires: '-30 days 1 minute' });
    await session('idle a month ago, ended since', { idle: '-31 days', ended: '-1 day' });
    await session('ended a month ago, too old since', { ended: '-31 days', idle: '-1 day', expires: '-1 day' });
    await retention.sweep();
    expect(await kept()).toEqual(['ended of late', 'idle of late', 'too old of late']);
  });

  it('keeps a live session of any age', async () => {
    await session('alive', { idle: '1 minute', expires: '1 minute' });
    await database.query(
      `update session set created_at = now() - interval '400 days', rotated_at = created_at, last_used_at = created_at`,
    );
    await retention.sweep();
    expect(await kept()).toEqual(['alive']);
  });

  it('skips a locked session until the next run', async () => {
    await session('held', { ended: '-31 days' });
    await session('free', { ended: '-31 days' });
    await database.query('begin');
    await database.query(`select 1 from session where user_agent = 'held' for key share`);
    await retention.sweep();
    await database.query('commit');
    expect(await kept()).toEqual(['held']);
    await retention.sweep();
    expect(await kept()).toEqual([]);
  });
});

describe('retention of reset tokens', () => {
  it('deletes a token a day after it expired', async () => {
    const [old, late, fresh] = [uuid(), uuid(), uuid()];
    await accounts([old, late, fresh]);
    const expiry = { [old]: '-1 day -1 minute', [late]: '-1 day 1 minute', [fresh]: '30 minutes' };
    for (const [id, expires] of Object.entries(expiry)) {
      await database.query(
        `insert into password_reset (account_id, token_hash, requested_at, expires_at)
         values ($1::uuid, decode(md5($1::text) || md5($1::text), 'hex'), now() - interval '2 days', now() + $2::interval)`,
        [id, expires],
      );
    }
    await retention.sweep();
    const left = await database.query<{ id: string }>(
      'select account_id as id from password_reset order by expires_at',
    );
    expect(left.map(({ id }) => id)).toEqual([late, fresh]);
  });
});

describe('retention of known addresses', () => {
  it('deletes an address when the account no longer knows it', async () => {
    await database.query(
      `insert into known_address (account_id, network, last_at)
       values ($1, 'strange', now() - interval '30 days 1 minute'), ($1, 'known', now() - interval '29 days 23:59')`,
      [ada],
    );
    await retention.sweep();
    expect(await database.query('select network from known_address')).toEqual([{ network: 'known' }]);
  });
});

describe('retention of the audit log', () => {
  it('deletes any entry after AUDIT_RETENTION', async () => {
    await database.query(
      `insert into audit_entry (id, action, outcome, actor_id, at)
       values (gen_random_uuid(), 'OLD', 'SUCCESS', $1, now() - interval '365 days 1 minute'),
              (gen_random_uuid(), 'OLD', 'REFUSED', null, now() - interval '400 days'),
              (gen_random_uuid(), 'LATE', 'SUCCESS', $1, now() - interval '364 days 23:59')`,
      [ada],
    );
    await retention.sweep();
    expect(await database.query('select action from audit_entry')).toEqual([{ action: 'LATE' }]);
  });
});

describe('retention of a large backlog', () => {
  const many = 5_400;
  const tables = ['session', 'password_reset', 'known_address', 'audit_entry'];
  const counts = () =>
    Promise.all(
      tables.map(async (table) => {
        const [row] = await database.query<{ count: number }>(`select count(*)::int as count from ${table}`);
        return row!.count;
      }),
    );
  let prunings: Pruning[];
  beforeAll(() => {
    prunings = added((to) => {
      new SessionRetention(to).onModuleInit();
      new AuditRetention(to, tidings.current.config).onModuleInit();
    });
  });
  beforeEach(async () => {
    const numbers = `generate_series(1, ${many}) as n`;
    await accounts(Array.from({ length: many }, () => uuid()));
    await database.query(`
      insert into session (id, account_id, seed, transport, address, idle_expires_at, expires_at)
        select gen_random_uuid(), '${ada}', decode(repeat('00', 32), 'hex'), 'BODY', '::1', at, at
          from ${numbers}, (select now() - interval '40 days' as at) as past;
      insert into password_reset select id, decode(md5(id::text) || md5(id::text), 'hex'), now() - interval '3 days', now() - interval '2 days'
          from account where id <> '${ada}' and not is_system limit ${many};
      insert into known_address select '${ada}', n::text, now() - interval '40 days' from ${numbers};
      insert into audit_entry (id, action, outcome, at)
        select gen_random_uuid(), 'OLD', 'SUCCESS', now() - interval '2 years' from ${numbers};
      analyze session, password_reset, known_address, audit_entry`);
  });

  it('deletes in batches of one transaction each', async () => {
    const deleted: number[] = [];
    const transactions = new Set<unknown>();
    const watched = new EventRetention(orm, tidings.current.config, new Metrics(tidings.current.config));
    for (const pruning of prunings) {
      watched.add(async (em, limit) => {
        deleted.push(await pruning(em, limit));
        const [transaction] = await em.execute<{ id: string }[]>('select pg_current_xact_id()::text as id');
        transactions.add(transaction?.id);
        return deleted.at(-1)!;
      });
    }
    expect(await counts()).toEqual(tables.map(() => many));
    await watched.sweep();
    expect(deleted).toEqual(tables.flatMap(() => [5_000, 400]));
    expect(transactions.size).toBe(8);
    expect(await counts()).toEqual([0, 0, 0, 0]);
  });

  it('finds the oldest rows by an index only', async () => {
    const indexes = [
      'session_over_at_idx',
      'password_reset_expires_at_idx',
      'known_address_last_at_idx',
      'audit_entry_at_idx',
    ];
    const plans = await plansOf(prunings);
    for (const [at, index] of indexes.entries()) {
      expect(plans[at]).toMatch(new RegExp(`Index Scan (Backward )?using ${index} on \\w+( \\w+)?\\n +Index Cond: `));
      expect(plans[at]).not.toContain('Sort');
    }
  });
});

describe('retention of notifications', () => {
  it('finds old rows by an index only', async () => {
    await database.query(
      `insert into notification (id, account_id, actor_id, kind, role, read_at)
       select gen_random_uuid(), $1, $1, 'ROLE', 'USER', case when n % 2 = 0 then now() end from generate_series(1, 10000) as n`,
      [ada],
    );
    await database.query('analyze notification');
    const [plan] = await plansOf(added((to) => new NotificationRetention(to).onModuleInit()));
    for (const index of ['notification_read_at_idx', 'notification_unread_since_idx']) {
      expect(plan).toMatch(new RegExp(`Index Scan (using|on) ${index}.*\\n +Index Cond: `));
    }
  });
});
