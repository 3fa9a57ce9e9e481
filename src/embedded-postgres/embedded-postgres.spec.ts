import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  asInContainer,
  canMountAt,
  copyOfTemplate,
  endAll,
  failChild,
  folder,
  forkChild,
  installIn,
  isRoot,
  kill,
  mount,
  nobody,
  processesOf,
  processesWith,
  query,
  settings,
  start,
  startChild,
  stopChild,
  template,
  until,
} from '../../test/fixtures/embedded-postgres-harness.js';
import { platformPackage } from './binaries.js';
import { lockDataDir } from './data-dir-lock.js';
import { removeEmbeddedPostgres, shareEmbeddedPostgres } from './embedded-postgres.js';
import { freePort, startServer } from './server.js';

const whenRoot = isRoot ? describe : describe.skip;
/** Whether another user than root may run the programs where they were installed: not in a folder of root's alone. */
const ownFolderIsOpen =
  !isRoot ||
  spawnSync(join(platformPackage(), 'native', 'bin', 'postgres'), ['--version'], { uid: 65_534, gid: 65_534 })
    .status === 0;
const whenOpen = ownFolderIsOpen ? describe : describe.skip;
const canContain = isRoot && spawnSync(asInContainer[0]!, [...asInContainer.slice(1), 'true']).status === 0;
const whenContained = canContain ? describe : describe.skip;
const app = join(folder, 'app');
const firstLog: string[] = [];
/** A data folder that tests leave as it was; whoever damages one takes a copy of its own. */
let installation: string;

beforeAll(async () => {
  const database = await start(template, { log: (line) => firstLog.push(line) });
  await query(database.url, `create table kept as select 'here' as word`);
  await database.stop();
  installation = join(folder, 'data');
  execFileSync('cp', ['-a', template, installation]);
  installIn(app);
});
afterEach(endAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('an embedded PostgreSQL', () => {
  test('keeps its data from the first start to the second', async () => {
    expect(firstLog).toEqual([`making a new database in ${join(template, 'postgres')}`]);
    const database = await start(installation);
    expect(await query(database.url, 'select word from kept')).toEqual([{ word: 'here' }]);
    expect(statSync(join(installation, 'postgres.password')).mode & 0o777).toBe(0o600);
  });

  test('requires the password and listens on loopback only', async () => {
    const { url } = await start(installation);
    await expect(query(url.replace(/:[0-9a-f]{64}@/, ':wrong@'), 'select 1')).rejects.toThrow(
      /password authentication/,
    );
    expect(await query(url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await query(url, 'show unix_socket_directories')).toEqual([{ unix_socket_directories: '' }]);
    expect(await query(url, `select count(*)::int from pg_hba_file_rules where auth_method = 'trust'`)).toEqual([
      { count: 0 },
    ]);
  });

  test('leaves no process behind when it is stopped, once or twice', async () => {
    const database = await start(installation);
    expect(processesOf(installation)).not.toEqual([]);
    await Promise.all([database.stop(), database.stop()]);
    await database.stop();
    expect(processesOf(installation)).toEqual([]);
  });

  test('recreates a lost password and a lost database', async () => {
    const dataDir = copyOfTemplate();
    rmSync(join(dataDir, 'postgres.password'));
    const first = await start(dataDir);
    expect(await query(first.url, 'select word from kept')).toEqual([{ word: 'here' }]);
    await query(first.url.replace(/tidings$/, 'postgres'), 'drop database tidings with (force)');
    await first.stop();
    const second = await start(dataDir);
    expect(await query(second.url, 'select current_database()')).toEqual([{ current_database: 'tidings' }]);
  });

  test('limits the size of its log', async () => {
    const log = join(installation, 'postgres', 'server.log');
    truncateSync(log, 6 * 1024 * 1024);
    await start(installation);
    expect(statSync(log).size).toBeLessThan(100_000);
  });

  whenOpen('whose programs may be run where they are', () => {
    test('takes another port if the chosen one was taken', async () => {
      const clusterDir = join(installation, 'postgres');
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as { port: number };
      const ports = [port, await freePort()];
      const { uid, gid } = statSync(clusterDir);
      const server = await startServer({
        postgres: join(platformPackage(), 'native', 'bin', 'postgres'),
        clusterDir,
        runAs: isRoot ? { uid, gid } : undefined,
        settings,
        choosePort: async () => ports.shift() ?? 0,
      });
      expect(ports).toEqual([]);
      expect(server.port).not.toBe(port);
      await server.stop();
      taken.close();
    });
  });
});

whenRoot(`users and folders${isRoot ? '' : ' (skipped: only root can be several users)'}`, () => {
  test('root starts it from a 0700 folder, and finds its data again', async () => {
    const home = join(folder, 'private');
    mkdirSync(home, { mode: 0o700 });
    const hidden = installIn(join(home, 'app'));
    const dataDir = join(home, 'data');
    try {
      const first = await startChild(hidden, dataDir);
      await query(first.url, 'create table kept as select 1 as one');
      await stopChild(first.child);
      const place = readFileSync(join(dataDir, 'postgres.location'), 'utf8').split('\n')[0] ?? '';
      expect(dirname(place)).toBe('/var/lib/tidings');
      const cluster = statSync(join(place, 'postgres'));
      expect([cluster.mode & 0o777, cluster.uid > 0]).toEqual([0o700, true]);
      const second = await startChild(hidden, dataDir);
      expect(await query(second.url, 'select one from kept')).toEqual([{ one: 1 }]);
      await stopChild(second.child);
      // A project that was moved takes its database along; one that was removed starts over.
      renameSync(dataDir, `${dataDir}-moved`);
      const moved = await start(`${dataDir}-moved`);
      expect(await query(moved.url, 'select one from kept')).toEqual([{ one: 1 }]);
      await moved.stop();
      rmSync(`${dataDir}-moved`, { recursive: true });
      const over = await start(`${dataDir}-moved`);
      await expect(query(over.url, 'select one from kept')).rejects.toThrow(/does not exist/);
      await over.stop();
    } finally {
      await endAll();

      for (const dir of [dataDir, `${dataDir}-moved`]) await removeEmbeddedPostgres(dir);
    }
  });

  test('an ordinary user starts it, also from binaries of another user without their links', async () => {
    const dataDir = join(folder, 'ordinary');
    mkdirSync(dataDir);
    chownSync(dataDir, nobody.uid, nobody.gid);
    const { child, url } = await startChild(app, dataDir, nobody);
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(statSync(join(dataDir, 'postgres')).uid).toBe(nobody.uid);
    await stopChild(child);
    expect(processesOf(dataDir)).toEqual([]);
  });

  test('refuses a folder or database of another user', async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0o755 });
    expect(await failChild(app, closed, nobody)).toMatch(/No permission to use .*closed.*user id 65534/);
    const dataDir = copyOfTemplate('outline');
    chownSync(dataDir, nobody.uid, nobody.gid);
    expect(await failChild(app, dataDir, nobody)).toMatch(/No permission to use .*postgres.*user id 65534/);
  });
});

whenContained(`root in a container${canContain ? '' : ' (skipped: setpriv must let root drop a capability)'}`, () => {
  test('shares a running server, and stops one that was left behind', async () => {
    const options = { wrapper: asInContainer };
    const first = await startChild(app, installation, options);
    const shared = await startChild(app, installation, { ...options, share: true });
    expect(shared.url).toBe(first.url);
    await kill(first.child);
    expect(processesOf(installation)).not.toEqual([]);
    const second = await startChild(app, installation, options);
    expect(await query(second.url, 'select word from kept')).toEqual([{ word: 'here' }]);
    await stopChild(second.child);
    expect(processesOf(installation)).toEqual([]);
  });
});

describe('after kill -9', () => {
  test('the next start stops the server that was left and starts a new one', async () => {
    const first = await startChild(app, installation);
    await kill(first.child);
    const left = processesOf(installation);
    expect(left).not.toEqual([]);
    const lines: string[] = [];
    const second = await start(installation, {
      settings: { ...settings, work_mem: '5MB' },
      log: (line) => lines.push(line),
    });
    expect(lines).toEqual([
      expect.stringMatching(/^stopped the PostgreSQL that an earlier process left .*process \d+/),
    ]);
    expect(processesOf(installation).filter((pid) => left.includes(pid))).toEqual([]);
    expect(await query(second.url, 'show work_mem')).toEqual([{ work_mem: '5MB' }]);
    expect(await query(second.url, 'select word from kept')).toEqual([{ word: 'here' }]);
    await second.stop();
    expect(processesOf(installation)).toEqual([]);
  });

  test('during initdb, the next start creates the database again', async () => {
    const dataDir = join(folder, 'interrupted');
    const drafts = () => (existsSync(dataDir) ? readdirSync(dataDir) : []).filter((name) => name.includes('.new-'));
    const child = forkChild(app, dataDir);
    await until(() => drafts().some((name) => existsSync(join(dataDir, name, 'data', 'PG_VERSION'))));
    const initdb = processesWith(join(dataDir, drafts()[0]!));
    expect(initdb).not.toEqual([]);
    await kill(child);
    const database = await start(dataDir);
    await until(() => processesWith(join(dataDir, 'postgres.new')).length === 0);
    expect(drafts()).toEqual([]);
    expect(await query(database.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a server that was left is stopped even if the next start refuses the folder', async () => {
    const dataDir = copyOfTemplate();
    const first = await startChild(app, dataDir);
    await kill(first.child);
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '99');
    await expect(start(dataDir)).rejects.toThrow(/made by PostgreSQL 99/);
    expect(processesOf(dataDir)).toEqual([]);
  });

  test('a process id that was reused by another process is recognized', async () => {
    writeFileSync(
      join(installation, 'postgres', 'postmaster.pid'),
      `${process.ppid}\n${installation}/postgres\n1\n5432\n\n\n\nready\n`,
    );
    const database = await start(installation);
    expect(await query(database.url, 'select word from kept')).toEqual([{ word: 'here' }]);
  });
});

describe('one process at a time', () => {
  test('a second Tidings in the same folder is refused, and the first one stays', async () => {
    const { child, url } = await startChild(app, installation);
    await expect(start(installation)).rejects.toThrow(`in use by another Tidings (process ${child.pid})`);
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await stopChild(child);
    await start(installation);
    await expect(start(installation)).rejects.toThrow(`in use by another Tidings (process ${process.pid})`);
  });

  test('two processes that share it start one server, which stays until the first one stops it', async () => {
    const shared = await Promise.all([1, 2].map(() => shareEmbeddedPostgres({ dataDir: installation, settings })));
    expect(shared[0]!.url).toBe(shared[1]!.url);
    expect(await query(shared[0]!.url, 'select word from kept')).toEqual([{ word: 'here' }]);
    await expect(start(installation)).rejects.toThrow('in use');
    await Promise.all(shared.map((database) => database.stop()));
    expect(processesOf(installation)).toEqual([]);
  });

  test('of many that lock the folder after its owner died, one succeeds', async () => {
    const dead = await startChild(app, installation);
    await kill(dead.child);
    const locks = await Promise.allSettled(Array.from({ length: 20 }, async () => lockDataDir(installation)));
    const locked = locks.filter((lock) => lock.status === 'fulfilled');
    expect(locked).toHaveLength(1);
    locked[0]!.value();
    await start(installation); // stops what is left
  });

  test('Ctrl-C does not reach the server before its owner stops it', async () => {
    const { child, url } = await startChild(app, installation);
    const interrupted = once(child, 'message');
    process.kill(-(child.pid ?? 0), 'SIGINT'); // as a terminal does: to the whole group
    expect(await interrupted).toEqual([{ interrupted: true }, undefined]);
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await stopChild(child);
    expect(processesOf(installation)).toEqual([]);
  });

  test('a process that exits without stopping the server ends it', async () => {
    const { child } = await startChild(app, installation);
    child.send('exit');
    await once(child, 'exit');
    await until(() => processesOf(installation).length === 0);
    expect(existsSync(join(installation, 'postgres', 'postmaster.pid'))).toBe(false);
  });
});

describe('error messages', () => {
  const cases: [string, RegExp, (cluster: string) => void][] = [
    ['a foreign folder', /is not empty and not a database of Tidings/, (dir) => rmSync(join(dir, 'PG_VERSION'))],
    ['a PostgreSQL of somebody else', /not a database of Tidings/, (dir) => rmSync(join(dir, 'tidings.cluster'))],
    ['a file in its place', /is in the way/, (dir) => (rmSync(dir, { recursive: true }), writeFileSync(dir, ''))],
    [
      'another version',
      /made by PostgreSQL 99, the embedded one is 18.*DATABASE_URL/,
      (dir) => writeFileSync(join(dir, 'PG_VERSION'), '99\n'),
    ],
    [
      'a folder in place of the lock',
      /Cannot lock .*postgres.lock/,
      (dir) => mkdirSync(join(dir, '..', 'postgres.lock')),
    ],
    [
      'a missing pg_control',
      /did not start.*lines:[^]*could not open file .*pg_control/,
      (dir) => rmSync(join(dir, 'global', 'pg_control')),
    ],
    [
      'a damaged pg_control',
      /did not start.*lines:[^]*pg_control/,
      (dir) => truncateSync(join(dir, 'global', 'pg_control'), 10),
    ],
  ];
  test.each(cases)('%s', async (_name, message, damage) => {
    const dataDir = copyOfTemplate('outline');
    damage(join(dataDir, 'postgres'));
    await expect(start(dataDir)).rejects.toThrow(message);
    await expect(start(dataDir)).rejects.toMatchObject({ name: 'EmbeddedPostgresError' }); // and the folder is free again
    expect(processesOf(dataDir)).toEqual([]);
  });

  test('a refused setting is reported in the words of the server', async () => {
    const dataDir = copyOfTemplate('outline');
    const refused = start(dataDir, { settings: { work_mem: 'plenty' } });
    await expect(refused).rejects.toThrow(/invalid value for parameter "work_mem": "plenty"/);
  });

  test('a platform without binaries', () => {
    expect(() => platformPackage('sunos', 'sparc')).toThrow(/no embedded PostgreSQL for sunos-sparc.*DATABASE_URL/);
  });

  test('programs that this system cannot run', async () => {
    const clusterDir = join(copyOfTemplate('outline'), 'postgres');
    const started = startServer({ postgres: '/nowhere/postgres', clusterDir, settings });
    await expect(started).rejects.toThrow(/did not start.*ENOENT.*DATABASE_URL/s);
  });
});

const disk = join(tmpdir(), `tidings-disk-${process.pid}`);
const canFill = isRoot && ownFolderIsOpen && canMountAt(disk);
const whenFilled = canFill ? describe : describe.skip;

whenFilled(
  `a full disk${canFill ? '' : ' (skipped: only where a tmpfs can be mounted, and data stays in DATA_DIR)'}`,
  () => {
    test('a failed initdb leaves no partial database', async () => {
      mount(disk, '30m');
      await expect(start(join(disk, 'data'))).rejects.toThrow(/The disk is full: no space left .*DATA_DIR/);
      expect(readdirSync(join(disk, 'data'))).toEqual(['postgres.lock', 'postgres.owner', 'postgres.password']);
    });

    test.each([
      ['PostgreSQL', 'postgres/postmaster.pid'],
      ['this process', 'postgres.owner'],
    ])('when %s cannot write %s: it starts again once there is space', async (_who, missing) => {
      mount(disk, '64m');
      const filler = join(disk, 'filler');
      execFileSync('cp', ['-a', template, join(disk, 'data')]);
      rmSync(join(disk, 'data', missing), { force: true });
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']);
      await expect(start(join(disk, 'data'))).rejects.toThrow(/The disk is full: no space left/);
      rmSync(filler);
      const database = await start(join(disk, 'data'));
      expect(await query(database.url, 'select word from kept')).toEqual([{ word: 'here' }]);
    });
  },
);
