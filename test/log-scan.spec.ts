// The log scan finds secrets wherever the service may log them.
import { Logger } from '@nestjs/common';
import { ServiceProcess } from './support/process.js';
import { assertNothingFound } from './support/log-scan.js';
import { PASSWORD, type Person, SECRET, TestTidings } from './support/tidings.js';

const PROCESS_SECRET = 'n0t-a-Secret-of-32-bytes-but-long';

describe('the scan of logs for secrets', () => {
  let tidings: TestTidings;
  let person: Person;
  beforeAll(async () => {
    tidings = await TestTidings.start();
    person = await tidings.asUser();
  });
  afterAll(() => tidings.stop());

  it.each<[string, () => string]>([
    ['an access token', () => `Bearer ${person.accessToken}`],
    ['a refresh token', () => person.refreshToken],
    ['a reset token', () => `GET /reset#token=${'aZ-_09'.repeat(8).slice(0, 43)}`],
    ['a reset token at the end', () => `Made ${'aZ-_09'.repeat(8).slice(0, 43)}.`],
    ['a password', () => `{"password":"${PASSWORD}"}`],
    ['a password hash', () => '$argon2id$v=19$m=19456,t=2,p=1$AAAA$BBBB'],
    ['an e-mail address', () => `Key (email)=(${person.email}) already exists.`],
    ['APP_SECRET', () => SECRET],
  ])('fails for %s, at whichever level', (_what, line) => {
    const logger = new Logger('Test');
    for (const level of ['debug', 'log', 'warn', 'error'] as const) {
      logger[level](line());
      expect(assertNothingFound).toThrow('must not be in it');
    }
    expect(assertNothingFound).not.toThrow();
  });

  it.each([
    'Tidings is up at http://127.0.0.1:4000',
    'Unexpected error 8f14e45f-ceea-467f-a0e6-3a1b2c3d4e5f\n    at file:///srv/tidings/dist/src/engine/graphql/operations/document-limits.js:12:5',
    'Sign in as admin@example.com',
  ])('accepts %j', (line) => {
    new Logger('Test').warn(line);
    expect(assertNothingFound).not.toThrow();
  });

  it('fails for a child process as well', async () => {
    const { code } = await ServiceProcess.run({ APP_SECRET: PROCESS_SECRET, PORT: 'x' });
    expect(code).toBe(1);
    expect(assertNothingFound).not.toThrow();
    const loud = ['--import', `data:text/javascript,console.log(${JSON.stringify(PROCESS_SECRET)})`];
    const service = ServiceProcess.launch({ APP_SECRET: PROCESS_SECRET, PORT: 'x' }, loud);
    await service.exited;
    expect(assertNothingFound).toThrow('APP_SECRET');
  });
});
