// The service behind PgBouncer in transaction mode, where clients share server connections.
import { readFileSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { join } from 'node:path';
import { MikroORM } from '@mikro-orm/postgresql';
import { describeFailure } from '../src/boot/start-failure.js';
import { runCommand } from '../src/cli/command-line.js';
import { databaseContent } from '../src/database-content.js';
import { domainOf } from '../src/domain-parts.js';
import { openDatabase } from '../src/engine/database/open-database.js';
import type { TestDatabase } from './support/database.js';
import { OwnPostgres } from './support/own-postgres.js';
import { hasPgBouncer, type PgBouncer, startPgBouncer } from './support/pgbouncer.js';
import { PASSWORD, SECRET, TestTidings } from './support/tidings.js';

const WATCH = `subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after, includeOwn: true) {
  cursor kind update { title } } }`;

const refusal = (url: string): Promise<string> =>
  openDatabase(url, databaseContent, 1).then(
    ({ orm }) => orm.close(true).then(() => 'It was opened'),
    (error: unknown) => describeFailure(error),
  );

if (!hasPgBouncer) it.todo('PgBouncer is not installed: put pgbouncer in PATH');
else
  describe('behind PgBouncer', () => {
    let postgres: OwnPostgres;
    let pooler: PgBouncer;
    let database: TestDatabase;

    beforeAll(async () => {
      postgres = await OwnPostgres.start({ log_statement: 'all' });
      pooler = await startPgBouncer(postgres);
      const direct = await postgres.createDatabase('pooled');
      database = { ...direct, url: behind(pooler, '/pooled') };
    });
    afterAll(async () => {
      await pooler?.stop();
      await postgres?.stop();
    });

    function behind({ port }: PgBouncer, path: string): string {
      const url = new URL(path, postgres.url);
      url.port = String(port);
      return url.toString();
    }

    it('names the missing privileges of the role', async () => {
      const sentence = await refusal(database.url);
      expect(sentence).toMatch(
        /^The connection pooler of DATABASE_URL does not pass on settings that are needed \(.*\): run .* and have the pooler reconnect\.$/,
      );
      const silent = await startPgBouncer(postgres, {
        ignore_startup_parameters:
          'statement_timeout,idle_in_transaction_session_timeout,lock_timeout,extra_float_digits',
      });
      expect(await refusal(behind(silent, '/pooled'))).toBe(sentence);
      await silent.stop();
      const statements = sentence.match(/ALTER ROLE [^;]+;/g) ?? [];
      expect(statements.map((text) => / SET (\w+) =/.exec(text)?.[1])).toEqual([
        'statement_timeout',
        'idle_in_transaction_session_timeout',
      ]);
      for (const statement of statements) await postgres.query(statement);
      await pooler.command('reconnect');
      expect(await refusal(database.url)).toBe('It was opened');
    });

    it('reports what it refuses', async () => {
      expect(await refusal(behind(pooler, '/pooled?options=-c%20search_path%3Dpublic'))).toBe(
        'The connection pooler of DATABASE_URL refuses the startup parameter options: leave it out of DATABASE_URL.',
      );
      // PgBouncer passes on the words of the server, in its language, and without its SQLSTATE.
      expect(await refusal(behind(pooler, '/nowhere'))).toBe(
        'The connection pooler of DATABASE_URL refuses the connection (08P01).',
      );
    });

    it('two instances migrate, sign in, post, deliver and resume; the command line works too', async () => {
      const [one, other] = await Promise.all([TestTidings.start({ database }), TestTidings.start({ database })]);
      try {
        const register = `mutation { register(input: { email: "ada@example.com", name: "Ada", password: "${PASSWORD}" }) { accessToken } }`;
        await one.anonymous.data(register);
        const words = ['account', 'role', 'ada@example.com', 'ADMIN'];
        const [output, errors] = [new PassThrough(), new PassThrough()];
        const env = { DATABASE_URL: database.url, APP_SECRET: SECRET };
        const code = await runCommand(words, env, async () => domainOf(false), {
          input: Readable.from([]),
          output,
          errors,
        });
        expect([code, String(errors.read() ?? '')]).toEqual([0, '']);
        const ada = await other.login({ email: 'ada@example.com' });
        const { createProject: project } = await ada.data(
          'mutation { createProject(input: { key: "POOL", name: "P" }) { id lastCursor } }',
        );
        const post = (title: string) =>
          ada.data(
            `mutation { postUpdate(input: { projectId: "${project.id}", title: "${title}", health: ON_TRACK }) { id } }`,
          );
        const socket = ada.socket(one.url);
        const watch = socket.subscribe(WATCH, { id: project.id, after: project.lastCursor });
        await one.watching(1);
        await post('first');
        const [created, seen] = [await watch.next(), await watch.next()].map(({ data }) => data.projectUpdated);
        expect([created.kind, seen.kind, seen.update]).toEqual([
          'PROJECT_CREATED',
          'UPDATE_POSTED',
          { title: 'first' },
        ]);
        watch.stop();
        await Promise.all(Array.from({ length: 10 }, (_, n) => post(`later ${n}`)));
        const resumed = ada.socket(other.url).subscribe(WATCH, { id: project.id, after: seen.cursor });
        const titles = [];
        for (let n = 0; n < 10; n += 1) titles.push((await resumed.next()).data.projectUpdated.update.title);
        expect(new Set(titles)).toEqual(new Set(Array.from({ length: 10 }, (_, n) => `later ${n}`)));
        expect([...one.logged, ...other.logged]).toEqual([]);
      } finally {
        await Promise.all([one.stop(), other.stop()]);
      }
    });

    it('applies the settings inside and outside transactions', async () => {
      const tidings = await TestTidings.start({ database });
      const sql = `select current_setting('statement_timeout') as s, current_setting('idle_in_transaction_session_timeout') as i,
      current_setting('TimeZone') as z, current_setting('DateStyle') as d`;
      const { em } = tidings.app.get(MikroORM);
      const wanted = [{ s: '20s', i: '10s', z: 'UTC', d: 'ISO, MDY' }];
      try {
        for (let n = 0; n < 10; n += 1) expect(await em.fork().execute(sql)).toEqual(wanted);
        expect(await em.fork().transactional((tx) => tx.execute(sql))).toEqual(wanted);
      } finally {
        await tidings.stop();
      }
    });

    it('sends no session-level SET and no named prepared statement', () => {
      const log = readFileSync(join(postgres.cluster, 'server.log'), 'utf8');
      const statements = [...log.matchAll(/LOG: {2}(?:statement|execute ([^:]+)): (.*)/g)].map(
        ([, name, text]) => [name, text!] as const,
      );
      expect(statements.length).toBeGreaterThan(100);
      // PgBouncer itself sets what it tracks.
      const tracked =
        /^SET (TimeZone|DateStyle|standard_conforming_strings|application_name|client_encoding|IntervalStyle)=/i;
      const sessions = statements.filter(
        ([, text]) => /^\s*(set|reset|discard|listen|prepare)\b/i.test(text) && !/^\s*set local\b/i.test(text),
      );
      expect(sessions.filter(([, text]) => !tracked.test(text)).map(([, text]) => text)).toEqual([]);
      expect(statements.flatMap(([name]) => (name === undefined || name === '<unnamed>' ? [] : [name]))).toEqual([]);
      expect(statements.filter(([, text]) => /pg_advisory_lock|create temp/i.test(text))).toEqual([]);
    });
  });
