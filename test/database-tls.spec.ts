// DATABASE_URL with a PostgreSQL that uses TLS: every connection uses the requested mode, or the service refuses to
// start.
import { chmod, copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeFailure } from '../src/boot/start-failure.js';
import { databaseContent } from '../src/database-content.js';
import { reportConfig } from '../src/engine/config/config-report.js';
import { openDatabase } from '../src/engine/database/open-database.js';
import { Authority, type Certificate } from './support/certificates.js';
import { OwnPostgres } from './support/own-postgres.js';
import { TestTidings } from './support/tidings.js';
import { until } from './support/wait.js';
import { service } from '../src/boot/service.js';

interface Connection {
  readonly ssl: boolean;
  readonly version: string | null;
  readonly client: string | null;
  readonly name: string;
}

let postgres: OwnPostgres;
let folder: string;
let authority: Authority;
let stranger: Authority;
let good: Certificate;
let client: Certificate;

beforeAll(async () => {
  // Short: the path of a socket has at most 107 bytes. The server's user makes it.
  folder = await mkdtemp(join(tmpdir(), 'tls-'));
  await chmod(folder, 0o1777);
  [authority, stranger] = await Promise.all([Authority.make(), Authority.make('Stranger')]);
  [good, client] = await Promise.all([
    authority.sign(),
    authority.sign({ commonName: 'tidings', names: 'DNS:client' }),
  ]);
  postgres = await OwnPostgres.start({ unix_socket_directories: folder });
  await postgres.useTls(good, authority.cert);
});
afterAll(async () => {
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The URL with these parameters; the server is known as `host`. */
const urlOf = (search: string, host = '127.0.0.1') => postgres.at({ search, host });

/** What PostgreSQL says of the connection that `url` makes. */
async function connection(url: string): Promise<Connection> {
  const { orm } = await openDatabase(url, databaseContent, 1);
  try {
    const sql = `select ssl, version, client_dn as client, application_name as name
      from pg_stat_ssl join pg_stat_activity using (pid) where pid = pg_backend_pid()`;
    const [row] = await orm.em.fork().execute<Connection[]>(sql);
    return row!;
  } finally {
    await orm.close(true);
  }
}

/** What a start says that cannot use `url`. */
async function refusal(url: string): Promise<string> {
  const failed = await openDatabase(url, databaseContent, 1).then(
    ({ orm }) => orm.close(true).then(() => undefined),
    (error: unknown) => error,
  );
  if (!failed) throw new Error('It was opened');
  return describeFailure(failed);
}

describe('DATABASE_URL with TLS', () => {
  it.each([
    ['sslmode=require', '127.0.0.1'],
    ['sslmode=no-verify', '127.0.0.1'],
    ['sslmode=require&sslrootcert=CA', '127.0.0.1'],
    ['sslmode=verify-ca&sslrootcert=CA', '127.0.0.1'],
    ['sslmode=verify-full&sslrootcert=CA', '127.0.0.1'],
    ['sslmode=verify-full&sslrootcert=CA', 'localhost'],
    ['sslmode=verify-full&sslrootcert=CA&sslnegotiation=direct', 'localhost'],
  ])('with %s, reached as %s', async (search, host) => {
    expect(await connection(urlOf(search.replace('CA', authority.cert), host))).toMatchObject({
      ssl: true,
      version: expect.stringMatching(/^TLSv1/),
    });
  });

  it('presents the certificate of sslcert, which can replace a password', async () => {
    await postgres.query('create role only_certificate login');
    await postgres.allow('hostssl all only_certificate 127.0.0.1/32 cert map=tls');
    const ident = join(postgres.cluster, 'pg_ident.conf');
    await writeFile(ident, 'tls tidings only_certificate\n');
    await postgres.allow();
    const search = `sslmode=verify-full&sslrootcert=${authority.cert}&sslcert=${client.cert}&sslkey=${client.key}`;
    const shown = await connection(postgres.at({ user: 'only_certificate', search }));
    expect(shown).toMatchObject({ ssl: true, client: '/CN=tidings' });
    expect(await refusal(postgres.at({ user: 'only_certificate', search: 'sslmode=require' }))).toBe(
      'The database server refuses the user of DATABASE_URL.',
    );
  });

  it('encrypts every connection, migrations included', async () => {
    const search = 'sslmode=require&application_name=all%20of%20us';
    const database = await postgres.createDatabase('encrypted', { search });
    const tidings = await TestTidings.start({ database });
    try {
      await Promise.all(Array.from({ length: 8 }, () => tidings.asUser()));
      const rows = await postgres.query<Connection>(
        `select ssl, application_name as name from pg_stat_ssl join pg_stat_activity using (pid) where datname = 'encrypted' and application_name <> ''`,
      );
      expect(rows.length).toBeGreaterThan(2);
      expect(rows).toEqual(rows.map(() => ({ ssl: true, name: 'all of us' })));
    } finally {
      await tidings.stop();
    }
  });
});

describe('a TLS failure is reported in one sentence', () => {
  it.each([
    [
      'by verify-full, when the name is another',
      'sslmode=verify-full',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      { names: 'DNS:other' },
    ],
    ['by verify-full, when it is expired', 'sslmode=verify-full', 'CERT_HAS_EXPIRED', { expired: true }],
    ['by verify-ca, when it is expired', 'sslmode=verify-ca', 'CERT_HAS_EXPIRED', { expired: true }],
  ] as const)('%s', async (_what, mode, problem, signing) => {
    await postgres.useTls(await authority.sign(signing));
    expect(await refusal(urlOf(`${mode}&sslrootcert=${authority.cert}`))).toBe(
      `The database server does not have the TLS that sslmode of DATABASE_URL asks for (${problem}).`,
    );
    await postgres.useTls(good);
  });

  it('verify-ca ignores the host name', async () => {
    await postgres.useTls(await authority.sign({ names: 'DNS:other' }));
    expect(await connection(urlOf(`sslmode=verify-ca&sslrootcert=${authority.cert}`))).toMatchObject({ ssl: true });
    await postgres.useTls(good);
  });

  it.each(['verify-full', 'verify-ca', 'require'])('%s refuses an unknown authority', async (mode) => {
    expect(await refusal(urlOf(`sslmode=${mode}&sslrootcert=${stranger.cert}`))).toMatch(
      /^The database server does not have the TLS that sslmode of DATABASE_URL asks for \((UNABLE_TO|SELF_SIGNED|CERT_)\w+\)\.$/,
    );
  });

  it('verify-full without sslrootcert refuses a private authority', async () => {
    expect(await refusal(urlOf('sslmode=verify-full'))).toMatch(/asks for \((UNABLE_TO|SELF_SIGNED)\w+\)\.$/);
  });

  it.each(['require', 'no-verify', 'verify-full'])('%s refuses a server without TLS', async (mode) => {
    const plain = process.env['TEST_POSTGRES_URL'];
    expect(await refusal(`${plain}?sslmode=${mode}`)).toBe(
      'The database server does not have the TLS that sslmode of DATABASE_URL asks for (it has no TLS).',
    );
  });

  it('a missing, invalid or mismatched certificate file is refused', async () => {
    const text = join(folder, 'text');
    await writeFile(text, 'not a certificate');
    for (const [search, reason] of [
      ['sslrootcert=/nowhere/s3ntinel.pem', 'names as sslrootcert a file that cannot be read (ENOENT)'],
      [`sslrootcert=${text}`, 'names as sslrootcert a file that is not in PEM form'],
      [`sslcert=${client.cert}&sslkey=${good.key}`, 'cannot be used together (ERR_OSSL_X509_KEY_VALUES_MISMATCH)'],
    ]) {
      const url = urlOf(`sslmode=verify-full&${search}`);
      expect(await refusal(url)).toMatch(/^Configuration refused:\n {2}DATABASE_URL [^\n]+$/);
      expect(await refusal(url)).toContain(reason);
      expect(reportConfig({ DATABASE_URL: url }, service)).toEqual({ valid: false, text: await refusal(url) });
    }
  });
});

it('sslmode=disable or none does not encrypt, regardless of PGSSLMODE and PGOPTIONS', async () => {
  Object.assign(process.env, { PGSSLMODE: 'no-verify', PGOPTIONS: '-c work_mem=1MB', PGAPPNAME: 'stray' });
  try {
    for (const search of ['sslmode=disable', ''])
      expect(await connection(urlOf(search))).toMatchObject({ ssl: false, name: 'tidings' });
  } finally {
    for (const name of ['PGSSLMODE', 'PGOPTIONS', 'PGAPPNAME']) delete process.env[name];
  }
});

it('DATABASE_URL with a Unix domain socket', async () => {
  await postgres.allow('local all all password');
  const url = new URL(postgres.url);
  const search = `host=${encodeURIComponent(folder)}&port=${url.port}&user=${url.username}&password=${url.password}`;
  const { orm } = await openDatabase(`postgresql:///tidings?${search}`, databaseContent, 1);
  const [row] = await orm.em.fork().execute<{ address: string | null }[]>('select inet_client_addr() as address');
  expect(row!.address).toBeNull();
  await orm.close(true);
});

it('DATABASE_URL passes options, such as the search path', async () => {
  await postgres.query('create schema elsewhere');
  const { orm } = await openDatabase(urlOf('options=-c%20search_path%3Delsewhere'), databaseContent, 1);
  const [row] = await orm.em.fork().execute<{ schema: string }[]>('select current_schema() as schema');
  expect(row!.schema).toBe('elsewhere');
  await orm.close(true);
});

it('replaced certificates are used without restart, and SERVICE_UNAVAILABLE is answered while none is trusted', async () => {
  const trusted = join(folder, 'trusted.pem');
  const trust = async (cert: string) => {
    await copyFile(cert, `${trusted}.new`);
    await rename(`${trusted}.new`, trusted);
  };
  await trust(authority.cert);
  const database = await postgres.createDatabase('rotated', { search: `sslmode=verify-full&sslrootcert=${trusted}` });
  const tidings = await TestTidings.start({ database });
  try {
    const admin = await tidings.asUser('ADMIN');
    const code = async () =>
      (await admin.send('mutation { announce(message: "Hello") { id } }')).errors?.[0]?.extensions.code ?? 'none';
    expect(await code()).toBe('none');
    await postgres.useTls(await stranger.sign());
    const end = `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'rotated' and application_name = 'tidings'`;
    await postgres.query(end);
    await until(async () => (await code()) === 'SERVICE_UNAVAILABLE', 'the certificate is not trusted');
    await trust(stranger.cert);
    await until(async () => (await code()) === 'none', 'the new authority is trusted');
  } finally {
    await tidings.stop();
    await postgres.useTls(good);
  }
});
