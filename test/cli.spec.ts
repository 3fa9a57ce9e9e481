// The command line, for operators with access to the machine, while the service runs and while it is stopped.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { removeEmbeddedPostgres } from '../src/embedded-postgres/embedded-postgres.js';
import { SYSTEM_ACCOUNT_ID } from '../src/engine/database/migrations/20261121000001-engine.js';
import { createDatabase } from './support/database.js';
import { GraphqlClient } from './support/graphql-client.js';
import { databaseProcess, killAll, ServiceProcess } from './support/process.js';
import { RawSocket } from './support/socket-client.js';
import { runCommand } from '../src/cli/command-line.js';
import { domainOf } from '../src/domain-parts.js';
import { PASSWORD, SECRET, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const PROGRAM = 'dist/bin/tidings.js';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken user { id name role } } }';
const ME = '{ me { role } }';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command to its end: here, or as the process that it is for whoever types it. */
async function run(env: Record<string, string>, words: readonly string[], typed = ''): Promise<Ran> {
  const [input, output, errors] = [Readable.from([typed]), new PassThrough(), new PassThrough()];
  const code = await runCommand(words, env, async () => domainOf(false), { input, output, errors });
  return { code, out: String(output.read() ?? ''), err: String(errors.read() ?? '') };
}

async function spawned(env: Record<string, string>, words: readonly string[], input = ''): Promise<Ran> {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: { PATH, NODE_COMPILE_CACHE, ...env } });
  child.stdin.on('error', () => {}).end(input);
  const ended = once(child, 'close');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await ended) as [number];
  return { code, out, err };
}

const codeOf = async (client: GraphqlClient) => (await client.send(ME)).errors?.[0]?.extensions.code;

describe('the command line with DATABASE_URL, while the service runs', () => {
  const tidings = useTidings();
  const tell = (words: string, input?: string) =>
    run({ DATABASE_URL: tidings.current.database.url, APP_SECRET: SECRET }, words.split(' '), input);
  const login = (email: string, password = PASSWORD) =>
    tidings.current.anonymous.send(LOGIN, { input: { email, password } });
  const trail = (id: string) =>
    tidings.current.database.query(
      `select action, outcome, address from audit_entry where actor_id = $1 and subject_id = $2 order by id`,
      [SYSTEM_ACCOUNT_ID, id],
    );

  it('creates an ADMIN who can sign in', async () => {
    const made = await tell(
      'account create --email Root@example.com --name Root --role ADMIN --password-stdin',
      `${PASSWORD}\n`,
    );
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toMatch(/^Made the account Root@example\.com \(ADMIN\), id [0-9a-f-]{36}\.\n$/);
    const { user } = (await login('root@example.com')).data.login;
    expect(user).toMatchObject({ name: 'Root', role: 'ADMIN' });
    expect(await trail(user.id)).toEqual([{ action: 'ACCOUNT_CREATED', outcome: 'SUCCESS', address: null }]);
    const again = await tell('account create --email root@example.com --name Root --password-stdin', PASSWORD);
    expect(again).toEqual({ code: 1, out: '', err: 'This e-mail address is already registered.\n' });
  });

  it('changes a role, effective at once in the running service', async () => {
    const person = await tidings.current.asUser();
    await person.data(ME);
    expect(await tell(`account role ${person.email} EDITOR`)).toEqual({
      code: 0,
      out: `${person.email} is EDITOR now.\n`,
      err: '',
    });
    await until(async () => (await person.data(ME)).me.role === 'EDITOR', 'the service followed');
    const told = await person.data('{ notifications { nodes { kind role actor { name } } } }');
    expect(told.notifications.nodes).toEqual([{ kind: 'ROLE', role: 'EDITOR', actor: { name: 'Tidings' } }]);
    expect(await trail(person.id)).toEqual([{ action: 'ROLE_CHANGED', outcome: 'SUCCESS', address: null }]);
  });

  it('disables and enables an account: sockets close, ended sessions stay ended', async () => {
    const person = await tidings.current.asUser();
    const socket = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
    expect((await tell(`account disable ${person.email}`)).code).toBe(0);
    expect(await socket.closed).toMatchObject({ code: 4401 });
    expect(await codeOf(person)).toBe('UNAUTHENTICATED');
    expect((await login(person.email)).errors?.[0]?.extensions.code).toBe('INVALID_CREDENTIALS');
    expect((await tell(`account enable ${person.email}`)).out).toBe(`${person.email} can sign in again.\n`);
    expect((await login(person.email)).errors).toBeUndefined();
    expect(await codeOf(person)).toBe('UNAUTHENTICATED');
  });

  it('sets a password and ends every session', async () => {
    const person = await tidings.current.asUser();
    const reset = await tell(`account password ${person.email} --password-stdin`, 'a new long password\n');
    expect(reset).toMatchObject({ code: 0, err: '' });
    expect(reset.out).not.toContain('a new long password');
    await until(async () => (await codeOf(person)) === 'UNAUTHENTICATED', 'the service followed');
    expect((await login(person.email)).errors?.[0]?.extensions.code).toBe('INVALID_CREDENTIALS');
    expect((await login(person.email, 'a new long password')).errors).toBeUndefined();
    expect(await trail(person.id)).toMatchObject([{ action: 'PASSWORD_RESET' }]);
  });

  it('ends sessions and prints the count', async () => {
    const person = await tidings.current.asUser();
    await tidings.current.signIn(person.id, person.email);
    expect((await tell(`sessions end ${person.email.toUpperCase()}`)).out).toMatch(/^Ended 2 sessions of /);
    await until(async () => (await codeOf(person)) === 'UNAUTHENTICATED', 'the service followed');
    expect((await tell(`sessions end ${person.email}`)).out).toMatch(/^Ended 0 sessions of /);
    expect(await trail(person.id)).toMatchObject([{ action: 'SESSIONS_ENDED' }]);
  });

  it('keeps the last ADMIN', async () => {
    await tidings.current.database.query(`update account set role = 'USER' where role = 'ADMIN'`);
    const admin = await tidings.current.asUser('ADMIN');
    const err = 'An installation needs an enabled ADMIN: appoint another one first.\n';
    expect(await tell(`account disable ${admin.email}`)).toEqual({ code: 1, out: '', err });
    expect(await tell(`account role ${admin.email} USER`)).toEqual({ code: 1, out: '', err });
    expect(await trail(admin.id)).toMatchObject([{ outcome: 'FAILED' }, { outcome: 'FAILED' }]);
  });

  it('reports usage errors and refusals with different exit codes', async () => {
    const wrong: [string, number, RegExp][] = [
      ['account role nobody@example.com EDITOR', 1, /^Account nobody@example\.com not found\.\n$/],
      ['account role nobody@example.com KING', 2, /Allowed choices are USER, EDITOR, ADMIN/],
      ['account create --email a@example.com', 2, /required option '--name <name>' not specified/],
      [
        'account create --email here --name A --password-stdin',
        2,
        /^The email is not an e-mail address: it has no @\.\n$/,
      ],
      ['account create --email a@example.com --name A', 2, /^There is no terminal .* --password-stdin\.\n$/],
      ['account create --email a@example.com --name A --password-stdin', 2, /^The password must have at least 8/],
      ['accounts', 2, /unknown command 'accounts'/],
    ];
    const ran = await Promise.all(wrong.map(([words]) => tell(words, 'short')));
    ran.forEach(({ code, out, err }, at) => {
      expect([wrong[at]![0], code, out]).toEqual([wrong[at]![0], wrong[at]![1], '']);
      expect(err).toMatch(wrong[at]![2]);
      expect(err).not.toContain('short');
    });
  });

  it('prints help', async () => {
    const help = await spawned({}, ['--help']);
    expect(help.code).toBe(0);
    expect(help.out).toMatch(/account[^]*sessions[^]*DATABASE_URL[^]*Exit codes/);
    expect((await tell('account create --help')).out).toContain('--password-stdin');
  });
});

it('the command line reports an unreachable database in one line', async () => {
  const env = { DATABASE_URL: 'postgresql://tidings:pa55word@127.0.0.1:1/tidings', APP_SECRET: SECRET };
  const { code, err } = await run(env, ['sessions', 'end', 'a@example.com']);
  expect([code, err.trim().split('\n')]).toEqual([1, [expect.stringContaining('cannot be reached')]]);
  expect(err).not.toContain('pa55word');
});

it('the command line changes nothing without an installation, unless asked to create one', async () => {
  const database = await createDatabase();
  await database.query('drop schema public cascade; create schema public');
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tidings-cli-none-')));
  try {
    const words = ['account', 'role', 'a@example.com', 'EDITOR'];
    const there = { DATABASE_URL: database.url, APP_SECRET: SECRET };
    const err = 'There is no installation in the database of DATABASE_URL.\n';
    expect(await run(there, words)).toEqual({ code: 1, out: '', err });
    expect(await database.query(`select relname from pg_class where relnamespace = 'public'::regnamespace`)).toEqual(
      [],
    );
    const absent = { ...there, DATABASE_URL: `${database.url}_absent` };
    expect((await run(absent, words)).err).toMatch(/does not have the database .* create it first\.\n$/);
    const here = await run({ DATA_DIR: join(folder, 'data') }, words);
    expect(here).toMatchObject({ code: 1, out: '', err: expect.stringContaining('Is DATA_DIR right?') });
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('the command line with the embedded database', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tidings-cli-')));
  const dataDir = join(folder, 'data');
  const env = { DATA_DIR: dataDir, PORT: '0' };
  const create = [
    'account',
    'create',
    '--email',
    'first@example.com',
    '--name',
    'First',
    '--role',
    'ADMIN',
    '--password-stdin',
  ];

  afterAll(async () => {
    await killAll();
    await removeEmbeddedPostgres(dataDir);
    rmSync(folder, { recursive: true, force: true });
  });

  it('starts it when not running, shares it with the running service', async () => {
    expect(await run(env, create, PASSWORD)).toMatchObject({ code: 0, err: '' });
    expect(databaseProcess(dataDir)).toBeUndefined();
    const service = await ServiceProcess.start(env);
    const postgres = databaseProcess(dataDir);
    const input = { email: 'first@example.com', password: PASSWORD };
    const { login } = await new GraphqlClient(service.url).data(LOGIN, { input });
    expect(login.user.role).toBe('ADMIN');
    const socket = await RawSocket.signedIn(service.url, login.accessToken);
    expect((await spawned(env, ['sessions', 'end', 'first@example.com'])).out).toBe(
      'Ended 1 session of first@example.com.\n',
    );
    expect(await socket.closed).toMatchObject({ code: 4401 });
    expect(databaseProcess(dataDir)).toBe(postgres);
    expect(await service.stop()).toBe(0);
  });

  it.each([
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
    ['SIGTERM', 143],
  ] as const)('stops PostgreSQL when %s ends it', async (signal, code) => {
    expect(databaseProcess(dataDir)).toBeUndefined();
    const words = ['account', 'role', 'first@example.com', 'ADMIN'];
    const child = spawn(process.execPath, [PROGRAM, ...words], { env: { PATH: process.env['PATH'], ...env } });
    const ended = once(child, 'close');
    await until(() => databaseProcess(dataDir) !== undefined, 'its PostgreSQL was started');
    child.kill(signal);
    expect(await ended).toEqual([code, null]);
    await until(() => databaseProcess(dataDir) === undefined, 'its PostgreSQL has ended');
  });
});
