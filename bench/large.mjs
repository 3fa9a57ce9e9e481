// Finds SQL statements whose cost grows with table size: node bench/large.mjs [large|small] [file]
// Creates a large installation (200 projects, 100,000 updates, 300,000 comments, 1,000,000 events, 1,000,000 audit entries) on a
// private PostgreSQL, runs every operation of a service on it, and prints the query plan of each statement.
// With a file, writes an example of each statement to it, which test/rolling-upgrade.spec.ts runs on later schemas.
// A statement grows if it reads more than a batch of rows of one table without changing them, or sorts that many. Run `npm run build:test` first.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '../dist/src/engine/database/migrate.js';
import { MikroORM } from '@mikro-orm/postgresql';
import { databaseContent } from '../dist/src/database-content.js';
import { ormOptions } from '../dist/src/engine/database/orm-options.js';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '../dist/src/embedded-postgres/embedded-postgres.js';
import { runEveryOperation } from '../dist/test/support/every-operation.js';
import { fillInstallation, LARGE, SMALL } from '../dist/test/support/large-installation.js';
import { planOf } from '../dist/test/support/plans.js';
import { statementsSentBy } from '../dist/test/support/sent-statements.js';
import { TestTidings } from '../dist/test/support/tidings.js';

/** Rows that no statement needs to read: more than a page, than a batch of a loader, than a look at the log. */
const BATCH = 1_100;
const EXTENTS = { large: LARGE, small: SMALL };
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  shared_buffers: '1GB',
  max_wal_size: '8GB',
};

const directory = await mkdtemp(join(tmpdir(), 'tidings-large-'));
const postgres = await startEmbeddedPostgres({ dataDir: join(directory, 'data'), settings: SETTINGS });
try {
  await measure(postgres.url);
} finally {
  await postgres.stop();
  await removeEmbeddedPostgres(join(directory, 'data'));
  await rm(directory, { recursive: true, force: true });
}
process.exit();

function grows(row) {
  return row.read - row.written > BATCH || row.sorted > BATCH;
}

async function measure(url) {
  const orm = await MikroORM.init(ormOptions(url, databaseContent, 2));
  await migrate(orm);
  await orm.close(true);
  const client = new Client(url);
  client.on('error', () => {});
  await client.connect();
  const query = async (sql, values = []) => (await client.query(sql, values)).rows;
  await query('insert into first_admin (id) values (1)');
  const tidings = await TestTidings.start({ database: { url, query } });
  const [admin, user] = [await tidings.asUser('ADMIN'), await tidings.asUser('EDITOR')];
  await tidings.stop();
  const began = performance.now();
  await fillInstallation(query, EXTENTS[process.argv[2] ?? 'large'], admin.id);
  console.log(`Filled in ${((performance.now() - began) / 1_000).toFixed(0)} s\n`);
  const service = await TestTidings.start({ database: { url, query } });
  const [hero, other] = [await service.signIn(admin.id, admin.email), await service.signIn(user.id, user.email)];
  const sent = await statementsSentBy(() => runEveryOperation(service, hero, other));
  await service.stop();
  const last = [...sent.values()].map((examples) => examples.at(-1));
  if (process.argv[3]) await writeFile(process.argv[3], JSON.stringify(last, null, 1));
  await query('analyze');
  const rows = [];
  for (const [shape, examples] of sent) {
    const plans = [];
    for (const example of examples) {
      await planOf(client, example);
      plans.push(await planOf(client, example));
    }
    // The worst of its examples.
    plans.sort((one, another) => another.read - one.read || another.ms - one.ms);
    rows.push({ shape, ...plans[0] });
  }
  await client.end();
  rows.sort((one, another) => another.ms - one.ms);
  console.log('      ms   rows    read  sorted   pages  grows  statement, and how it reads');
  for (const row of rows) {
    const numbers = [
      row.ms.toFixed(2).padStart(8),
      ...[row.rows, row.read, row.sorted, row.pages].map((n) => String(n).padStart(7)),
    ];
    console.log(
      `${numbers.join(' ')}  ${grows(row) ? 'YES  ' : 'no   '}  ${row.shape.slice(0, 150)}\n${' '.repeat(52)}${row.scans.join(', ')}`,
    );
  }
  console.log(`\n${rows.length} statements, of which ${rows.filter(grows).length} grow`);
}
