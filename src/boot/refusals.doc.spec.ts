// What docs/configuration.md says is refused, sentence by sentence: a start and `npm run config:check` refuse it, by name.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { reportConfig } from '../engine/config/config-report.js';
import { service } from './service.js';

const page = readFileSync('docs/configuration.md', 'utf8').replace(/\s+/g, ' ');
const SECRET = randomBytes(32).toString('base64');
const LIVE = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgresql://tidings:pw@db/tidings',
  APP_SECRET: SECRET,
  PUBLIC_URL: 'https://tidings.example',
  SMTP_URL: 'smtps://mail.example',
};
const without = (name: keyof typeof LIVE) => Object.fromEntries(Object.entries(LIVE).filter(([key]) => key !== name));

/** A sentence or row of the page, what breaks it, and the variables that are named. */
const REFUSALS: readonly (readonly [string, Record<string, string>, string])[] = [
  ['is a whole number and its unit', { SESSION_IDLE_TTL: '1.5h' }, 'SESSION_IDLE_TTL'],
  ['is a whole number and its unit', { SESSION_IDLE_TTL: '1w' }, 'SESSION_IDLE_TTL'],
  ['Only `0` may stand alone', { REFRESH_REUSE_WINDOW: '10' }, 'REFRESH_REUSE_WINDOW'],
  ['are percent-encoded: `/ ? # @ %`', { DATABASE_URL: 'postgresql://u:a/b@db/tidings' }, 'DATABASE_URL'],
  ['are percent-encoded: `/ ? # @ %`', { REDIS_URL: 'redis://u:a?b@redis' }, 'REDIS_URL'],
  ['are percent-encoded: `/ ? # @ %`', { SMTP_URL: 'smtp://u:a#b@mail' }, 'SMTP_URL'],
  ['are percent-encoded: `/ ? # @ %`', { DATABASE_URL: 'postgresql://u:a%@db/tidings' }, 'DATABASE_URL'],
  ['are lower case', { REGISTRATION: 'Closed' }, 'REGISTRATION'],
  ['are lower case', { RATE_LIMITS: 'ON' }, 'RATE_LIMITS'],
  ['are lower case', { DEMO: 'yes' }, 'DEMO'],
  ['| `development`, `test`, `production` ', { NODE_ENV: 'staging' }, 'NODE_ENV'],
  ['| 0 to 65535 ', { PORT: '65536' }, 'PORT'],
  ['IPv6 without brackets', { HOST: '[::1]' }, 'HOST'],
  ['`postgresql://…` or `postgres://…`', { DATABASE_URL: 'mysql://db/tidings' }, 'DATABASE_URL'],
  ['| 1 to 500 ', { DATABASE_POOL_SIZE: '501' }, 'DATABASE_POOL_SIZE'],
  ['`redis://…` or `rediss://…`', { REDIS_URL: 'http://redis' }, 'REDIS_URL'],
  ['`smtp://…` or `smtps://…`', { SMTP_URL: 'http://mail' }, 'SMTP_URL'],
  ['`/0` is refused', { TRUST_PROXY: '0.0.0.0/0' }, 'TRUST_PROXY'],
  ['`/0` is refused', { TRUST_PROXY: '10.0.0.0/8,::/0' }, 'TRUST_PROXY'],
  ['| 1s to 24h, whole seconds ', { ACCESS_TOKEN_TTL: '25h' }, 'ACCESS_TOKEN_TTL'],
  ['| 1s to 24h, whole seconds ', { ACCESS_TOKEN_TTL: '1500ms' }, 'ACCESS_TOKEN_TTL'],
  ['at most `SESSION_MAX_AGE`', { SESSION_IDLE_TTL: '91d' }, 'SESSION_IDLE_TTL'],
  ['| 1s to 400d ', { SESSION_MAX_AGE: '401d' }, 'SESSION_MAX_AGE'],
  ['less than `SESSION_IDLE_TTL`', { SESSION_IDLE_TTL: '10s', REFRESH_REUSE_WINDOW: '10s' }, 'REFRESH_REUSE_WINDOW'],
  ['| 0 to 10m,', { REFRESH_REUSE_WINDOW: '11m' }, 'REFRESH_REUSE_WINDOW'],
  ['| 1s to 7d ', { SOCKET_MAX_AGE: '8d' }, 'SOCKET_MAX_AGE'],
  ['at least `ACCESS_TOKEN_TTL`', { EVENT_RETENTION: '1h', ACCESS_TOKEN_TTL: '2h' }, 'EVENT_RETENTION'],
  ['| 1h to 3650d,', { EVENT_RETENTION: '59m' }, 'EVENT_RETENTION'],
  ['| 1h to 3650d ', { AUDIT_RETENTION: '3651d' }, 'AUDIT_RETENTION'],
  ['`silent`, `fatal`,', { LOG_LEVEL: 'verbose' }, 'LOG_LEVEL'],
  ...[
    ['No path', 'https://a.example/app'],
    ['no trailing slash', 'https://a.example/'],
    ['no upper case', 'https://A.example'],
    ['no default port', 'https://a.example:443'],
    ['no wildcard', 'https://*.example.com'],
    ['no wildcard', '*'],
  ].flatMap(
    ([sentence = '', origin = '']) =>
      [
        [sentence, { ALLOWED_ORIGINS: `https://ok.example,${origin}` }, 'ALLOWED_ORIGINS'],
        [sentence, { PUBLIC_URL: origin }, 'PUBLIC_URL'],
      ] as const,
  ),
  ['so `PUBLIC_URL` is one too', { PUBLIC_URL: 'capacitor://localhost' }, 'PUBLIC_URL'],
  ['no `DATABASE_URL`: the embedded database', without('DATABASE_URL'), 'DATABASE_URL'],
  ['no `APP_SECRET`, or one that shows', without('APP_SECRET'), 'APP_SECRET'],
  ['repeated or counted bytes', { ...LIVE, APP_SECRET: '07'.repeat(32) }, 'APP_SECRET'],
  ['holds for the previous one as well', { ...LIVE, APP_SECRET: `${SECRET},${'07'.repeat(32)}` }, 'APP_SECRET'],
  ['Fewer than 32 bytes are refused everywhere', { APP_SECRET: '00112233445566778899' }, 'APP_SECRET'],
  ['`PUBLIC_URL` with `http:`, unless', { ...LIVE, PUBLIC_URL: 'http://tidings.example' }, 'PUBLIC_URL'],
  ['`DEMO=true`: the passwords', { ...LIVE, DEMO: 'true' }, 'DEMO'],
  ['`RATE_LIMITS=off`.', { ...LIVE, RATE_LIMITS: 'off' }, 'RATE_LIMITS'],
];

it.each(REFUSALS)('%s: %j is refused, naming %s', (sentence, env, name) => {
  expect(page).toContain(sentence);
  const { valid, text } = reportConfig(env, service);
  expect([valid, text.split('\n').map((line) => /^ {2}([A-Z_]+) /.exec(line)?.[1])]).toEqual([
    false,
    [undefined, name],
  ]);
});

const { PUBLIC_URL, ...noAddress } = LIVE;
const { SMTP_URL, ...noMail } = LIVE;
it.each([
  ['It warns of a missing `PUBLIC_URL`', noAddress, 'PUBLIC_URL is not set'],
  ['or `SMTP_URL`', noMail, 'SMTP_URL is not set'],
  [
    'of `http:` in `ALLOWED_ORIGINS`',
    { ...LIVE, ALLOWED_ORIGINS: `${PUBLIC_URL},http://a.example` },
    'ALLOWED_ORIGINS has',
  ],
  [
    'of `ALLOWED_ORIGINS` without `PUBLIC_URL`',
    { ...LIVE, ALLOWED_ORIGINS: 'https://a.example' },
    'ALLOWED_ORIGINS lacks',
  ],
  [
    'of access tokens that outlive an idle session',
    { ...LIVE, ACCESS_TOKEN_TTL: '2h', SESSION_IDLE_TTL: '1h' },
    'ACCESS_TOKEN_TTL is longer',
  ],
  ['of `DEMO=true` where other machines reach it', { DEMO: 'true', HOST: '0.0.0.0' }, 'DEMO accounts'],
  [
    'of a `PUBLIC_URL` over plain http that is not this machine',
    { PUBLIC_URL: 'http://a.example' },
    'PUBLIC_URL is http',
  ],
  ['Outside production it is a warning', { APP_SECRET: '07'.repeat(32) }, 'APP_SECRET repeats'],
  [
    'looks like a misspelling of one below gives a warning',
    { PUBLIC_URI: SMTP_URL },
    'PUBLIC_URI is not a known variable',
  ],
])('%s', (sentence, env, warning) => {
  expect(page).toContain(sentence);
  const { valid, text } = reportConfig(env, service);
  expect([valid, text]).toEqual([true, expect.stringContaining(`warning: ${warning}`)]);
});
