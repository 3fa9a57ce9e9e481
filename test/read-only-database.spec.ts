// A read-only database: clients receive SERVICE_UNAVAILABLE, the reason is logged once, and the service recovers by
// itself.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase, type TestDatabase } from './support/database.js';
import { OwnPostgres } from './support/own-postgres.js';
import { type Person, TestTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const POST = 'mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id } }';

/** The service with somebody who posts. */
class Stage {
  private constructor(
    readonly tidings: TestTidings,
    private readonly admin: Person,
    private readonly projectId: string,
  ) {}

  static async over(database: TestDatabase): Promise<Stage> {
    const tidings = await TestTidings.start({ database });
    const admin = await tidings.asUser('ADMIN');
    const { createProject } = await admin.data('mutation { createProject(input: { key: "DISK", name: "D" }) { id } }');
    return new Stage(tidings, admin, createProject.id);
  }

  /** The code of the error; undefined: it was posted. */
  async post(body = 'x'): Promise<string | undefined> {
    const input = { projectId: this.projectId, title: 'Post', health: 'ON_TRACK', body };
    return (await this.admin.send(POST, { i: input })).errors?.[0]?.extensions.code;
  }

  async read(): Promise<string> {
    return (await this.admin.data('query ($id: ID!) { project(id: $id) { key } }', { id: this.projectId })).project.key;
  }

  async ready(): Promise<[status: number, works: boolean, why: string | undefined]> {
    const response = await fetch(`${this.tidings.url}/health/ready`);
    const { checks, details } = (await response.json()) as {
      checks: Record<string, boolean>;
      details: Record<string, string>;
    };
    return [response.status, checks['writes']!, details['writes']];
  }

  async metric(name: string): Promise<string | undefined> {
    const text = await (await fetch(`${this.tidings.url}/metrics`)).text();
    return new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  }

  /** What is seen of an outage, from its first failure to its end. */
  async outage(end: () => Promise<unknown>): Promise<Outage> {
    await until(async () => (await this.ready())[0] === 503, 'it is not ready');
    const [during, writable, key] = [
      await this.ready(),
      await this.metric('tidings_database_writable'),
      await this.read(),
    ];
    const codes = [];
    for (let n = 0; n < 5; n += 1) codes.push(await this.post('x'.repeat(4_000)));
    const logged = this.tidings.logged.filter((line) => line.includes('takes no writes'));
    await end();
    await until(async () => (await this.ready())[0] === 200, 'it is ready again');
    const after = [await this.ready(), await this.metric('tidings_database_writable'), await this.post()];
    return { during, writable, key, codes, logged, after };
  }
}

interface Outage {
  readonly during: unknown;
  readonly writable: unknown;
  readonly key: unknown;
  readonly codes: unknown;
  readonly logged: unknown;
  readonly after: unknown;
}

/** Said at every place; reads go on; and then it is over. */
const outageOf = (problem: string): Outage => ({
  during: [503, false, problem],
  writable: '0',
  key: 'DISK',
  codes: Array(5).fill('SERVICE_UNAVAILABLE'),
  logged: [expect.stringContaining(`${problem}. Mutations fail until it does`)],
  after: [[200, true, undefined], '1', undefined],
});

describe('a database that refuses writes', () => {
  let database: TestDatabase;
  let stage: Stage;
  beforeEach(async () => {
    database = await createDatabase();
    stage = await Stage.over(database);
  });
  afterEach(async () => {
    await stage.tidings.stop();
    await database.drop();
  });

  it.each([
    ['53100', 'its disk is full'],
    ['53200', 'it is out of memory'],
    ['58030', 'it cannot use its files'],
  ])('with %s: %s', async (code, reason) => {
    await database.query(`create function refuse() returns trigger language plpgsql as $$
      begin raise exception 'Kein Speicherplatz' using errcode = '${code}'; end $$`);
    for (const table of ['event', 'audit_entry'])
      await database.query(`create trigger refuse before insert on ${table} for each row execute function refuse()`);
    expect(await stage.ready()).toEqual([200, true, undefined]);
    expect(await stage.post()).toBe('SERVICE_UNAVAILABLE');
    expect(await stage.outage(() => database.query('drop function refuse cascade'))).toEqual(
      outageOf(`PostgreSQL takes no writes: ${reason} (${code})`),
    );
    expect(Number(await stage.metric(`tidings_database_errors_total\\{code="${code}"\\}`))).toBeGreaterThan(5);
  });

  it('is detected before the first write', async () => {
    const name = new URL(database.url).pathname.slice(1);
    const restart = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and application_name = 'tidings'`;
    await database.query(`alter database ${name} set default_transaction_read_only = on`);
    await database.query(restart);
    expect(
      await stage.outage(async () => {
        await database.query(`alter database ${name} reset default_transaction_read_only`);
        await database.query(restart);
      }),
    ).toEqual(outageOf('PostgreSQL takes no writes: it is read-only (25006)'));
  });

  it('for one operation only leaves the instance ready', async () => {
    await database.query(`create function refuse() returns trigger language plpgsql as $$
      begin raise exception 'temporary file size exceeds limit' using errcode = '53400'; end $$`);
    await database.query('create trigger refuse before insert on event for each row execute function refuse()');
    for (let n = 0; n < 3; n += 1) expect(await stage.post()).toBe('SERVICE_UNAVAILABLE');
    expect(await stage.ready()).toEqual([200, true, undefined]);
    expect(stage.tidings.logged).toEqual([]);
  });
});

/** A small file system in memory at `disk`; only root may have one. */
function mount(disk: string): boolean {
  chmodSync(join(disk, '..'), 0o711);
  mkdirSync(disk, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk], { stdio: 'pipe' });
    return true;
  } catch (error) {
    process.stderr.write(`SKIPPED: a disk that is really full, since nothing can be mounted here (${String(error)})\n`);
    return false;
  }
}

describe('a full disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-disk-'));
  const disk = join(folder, 'disk');
  // Tried here and let go at once: a test that is left out by its name has no hooks that would.
  const mountable = mount(disk);
  const unmount = () => execFileSync('umount', [disk]);
  if (mountable) unmount();

  if (!mountable) it.todo('cannot be had here: the tests above have its errors alone');
  else
    it('is named in the error and recovered from when there is space', async () => {
      mount(disk);
      const postgres = await OwnPostgres.start();
      const { uid, gid } = statSync(postgres.cluster);
      const tables = join(disk, 'tables');
      mkdirSync(tables, { mode: 0o700 });
      chownSync(tables, uid, gid);
      await postgres.query(`create tablespace small location '${tables}'`);
      const stage = await Stage.over(await postgres.createDatabase('small', { how: 'tablespace small' }));
      const filler = join(disk, 'filler');
      try {
        const { bavail, bsize } = statfsSync(disk);
        writeFileSync(filler, Buffer.alloc(bavail * bsize));
        const long = Array.from({ length: 4_000 }, (_, n) => (n * 7919).toString(36))
          .join(' ')
          .slice(0, 18_000);
        await until(async () => (await stage.post(long)) === 'SERVICE_UNAVAILABLE', 'the disk is full');
        expect(await stage.outage(async () => rmSync(filler))).toEqual(
          outageOf('PostgreSQL takes no writes: its disk is full (53100)'),
        );
      } finally {
        await stage.tidings.stop();
        await postgres.stop();
        unmount();
      }
    });
});
