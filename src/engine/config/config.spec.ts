import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { ConfigError } from './config-error.js';
import { VARIABLES } from './config.schema.js';
import { loadConfig, withBoundPort } from './config.js';
import { service } from '../../../test/fixtures/engine-domain/service.js';

const secret = () => randomBytes(32).toString('base64');
const live = () => ({
  NODE_ENV: 'production',
  DATABASE_URL: 'postgresql://tidings:pw@db/tidings',
  APP_SECRET: secret(),
  PUBLIC_URL: 'https://tidings.example',
  SMTP_URL: 'smtps://mail.example',
});

function refusal(env: NodeJS.ProcessEnv): ConfigError {
  try {
    loadConfig(env, service);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('was not refused');
}
const refused = (env: NodeJS.ProcessEnv) => refusal(env).problems.map(({ variable }) => variable);

describe('an empty environment', () => {
  it('is a complete configuration for development', () => {
    expect(loadConfig({}, service)).toEqual({
      service,
      production: false,
      port: 4000,
      host: '127.0.0.1',
      databaseUrl: undefined,
      databasePoolSize: 20,
      embedded: true,
      redisUrl: undefined,
      dataDir: `${process.cwd()}/.notes`,
      appSecrets: [],
      publicUrl: 'http://localhost:4000',
      allowedOrigins: ['http://localhost:4000', 'http://127.0.0.1:4000'],
      trustProxy: [],
      accessTokenTtl: 900_000,
      sessionIdleTtl: 2_592_000_000,
      sessionMaxAge: 7_776_000_000,
      refreshReuseWindow: 10_000,
      socketMaxAge: 3_600_000,
      eventRetention: 2_592_000_000,
      auditRetention: 31_536_000_000,
      smtpUrl: undefined,
      mailsPerHour: 2_000,
      registration: 'open',
      registrationsPerHour: 500,
      introspection: true,
      rateLimits: true,
      maxConnections: 10_000,
      maxConnectionsPerAddress: 2_048,
      logLevel: 'info',
      warnings: [],
    });
  });

  it('equals variables that are empty or blank', () => {
    expect(loadConfig(Object.fromEntries(VARIABLES.map((name, i) => [name, i % 2 ? '' : '  '])), service)).toEqual(
      loadConfig({}, service),
    );
  });
});

describe('a refusal', () => {
  it('names every invalid variable at once, and repeats no value in the error', () => {
    // DATA_DIR accepts any text.
    const names = VARIABLES.filter((name) => name !== 'DATA_DIR');
    const error = refusal(Object.fromEntries(VARIABLES.map((name, i) => [name, `s3ntinel~${i}`])));
    expect(error.problems.map(({ variable }) => variable)).toEqual(names);
    for (const name of names) expect(error.message).toContain(`${name} `);
    expect(inspect(error, { depth: 9, showHidden: true }).toLowerCase()).not.toContain('s3ntinel');
    expect(JSON.stringify(error).toLowerCase()).not.toContain('s3ntinel');
  });

  it.each([
    ['DATABASE_URL', 'mysql://s3ntinel:s3ntinel@s3ntinel/s3ntinel'],
    ['DATABASE_URL', 'postgresql://s3ntinel:%zz-s3ntinel@s3ntinel/db'],
    ['REDIS_URL', 'redis://s3ntinel:12/s3ntinel@s3ntinel'],
    ['REDIS_URL', 'redis://s3ntinel:12#s3ntinel@s3ntinel'],
    ['SMTP_URL', 'smtp://s3ntinel:12?s3ntinel@s3ntinel'],
    ['SMTP_URL', 'smtp:s3ntinel'],
    ['PUBLIC_URL', 'https://s3ntinel:s3ntinel@s3ntinel.example'],
    ['APP_SECRET', `${secret()},s3ntinel`],
    ['ALLOWED_ORIGINS', 'https://ok.example,s3ntinel'],
    ['TRUST_PROXY', '10.0.0.0/8,s3ntinel'],
  ])('of %s alone does not repeat the value either', (name, value) => {
    const error = refusal({ [name]: value });
    expect(error.problems.map(({ variable }) => variable)).toEqual([name]);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3ntinel');
  });

  it('names a misspelling that may be the reason', () => {
    const { DATABASE_URL, ...rest } = live();
    expect(refusal({ ...rest, DATABASE_URI: DATABASE_URL }).message).toMatch(
      /DATABASE_URI .* did you mean DATABASE_URL/,
    );
  });

  it('names invalid values and broken rules together', () => {
    expect(refused({ ...live(), PORT: '70000', RATE_LIMITS: 'off', SESSION_MAX_AGE: '1d' }).toSorted()).toEqual([
      'PORT',
      'RATE_LIMITS',
      'SESSION_IDLE_TTL',
    ]);
  });
});

describe('production', () => {
  it('starts with a database, a secret and an https address, on all interfaces', () => {
    const config = loadConfig(live(), service);
    expect(config).toMatchObject({ production: true, embedded: false, host: '0.0.0.0', warnings: [] });
    expect(config.allowedOrigins).toEqual(['https://tidings.example']);
    expect(config.appSecrets).toHaveLength(1);
  });

  it('refuses at once the embedded database, no rate limits, no secret, and an http address', () => {
    const env = { NODE_ENV: 'production', RATE_LIMITS: 'off', PUBLIC_URL: 'http://tidings.example' };
    expect(refused(env)).toEqual(['DATABASE_URL', 'APP_SECRET', 'PUBLIC_URL', 'RATE_LIMITS']);
  });

  it('refuses a weak secret, also as the previous one; elsewhere it is a warning', () => {
    const weak = Buffer.alloc(32, 7).toString('hex');
    expect(refused({ ...live(), APP_SECRET: weak })).toEqual(['APP_SECRET']);
    expect(refused({ ...live(), APP_SECRET: `${secret()},${weak}` })).toEqual(['APP_SECRET']);
    expect(loadConfig({ APP_SECRET: weak }, service).warnings).toEqual([
      'APP_SECRET repeats itself: production refuses it',
    ]);
  });

  it('accepts plain http for loopback addresses', () => {
    expect(loadConfig({ ...live(), PUBLIC_URL: 'http://127.0.0.1:8080' }, service).publicUrl).toBe(
      'http://127.0.0.1:8080',
    );
  });

  it('warns about settings that are probably unintended', () => {
    const { PUBLIC_URL: _, SMTP_URL: __, ...rest } = live();
    const names = loadConfig({ ...rest, ALLOWED_ORIGINS: 'http://a.example' }, service).warnings.map(
      (line) => line.split(' ')[0],
    );
    expect(names).toEqual(['PUBLIC_URL', 'SMTP_URL', 'ALLOWED_ORIGINS', 'ALLOWED_ORIGINS']);
  });
});

describe('settings of the application', () => {
  it('are read with those of the engine, on which their defaults depend', () => {
    expect(loadConfig({}, service).introspection).toBe(true);
    expect(loadConfig(live(), service).introspection).toBe(false);
    expect(loadConfig({ INTROSPECTION: 'off' }, service).introspection).toBe(false);
  });

  it('are refused together with those of the engine', () => {
    expect(refused({ INTROSPECTION: 'yes', PORT: 'http' }).toSorted()).toEqual(['INTROSPECTION', 'PORT']);
    expect(refused({ ...live(), INTROSPECTION: 'on', RATE_LIMITS: 'off' })).toEqual(['RATE_LIMITS', 'INTROSPECTION']);
  });

  it('add warnings, and names that may be misspelt', () => {
    expect(loadConfig({ INTROSPECTION: 'on', HOST: '::1' }, service).warnings).toEqual(['INTROSPECTION is on for ::1']);
    expect(loadConfig({ INTROSPECTOIN: 'on' }, service).warnings).toEqual([
      'INTROSPECTOIN is not a known variable; did you mean INTROSPECTION?',
    ]);
  });
});

describe('lifetimes', () => {
  it.each([
    [{ SESSION_IDLE_TTL: '91d' }, ['SESSION_IDLE_TTL']],
    [{ SESSION_IDLE_TTL: '10s' }, ['REFRESH_REUSE_WINDOW']],
    [{ ACCESS_TOKEN_TTL: '0' }, ['ACCESS_TOKEN_TTL']],
    [{ ACCESS_TOKEN_TTL: '1500ms' }, ['ACCESS_TOKEN_TTL']],
    [{ ACCESS_TOKEN_TTL: '25h' }, ['ACCESS_TOKEN_TTL']],
    [{ ACCESS_TOKEN_TTL: '2h', EVENT_RETENTION: '1h' }, ['EVENT_RETENTION']],
    [{ EVENT_RETENTION: '59m' }, ['EVENT_RETENTION']],
    [{ AUDIT_RETENTION: '59m' }, ['AUDIT_RETENTION']],
    [{ AUDIT_RETENTION: '3651d' }, ['AUDIT_RETENTION']],
    [{ SOCKET_MAX_AGE: '0' }, ['SOCKET_MAX_AGE']],
  ])('%j are refused', (env, names) => expect(refused(env)).toEqual(names));

  it('may be short, and the reuse window may be 0', () => {
    const env = { ACCESS_TOKEN_TTL: '2s', SESSION_IDLE_TTL: '3s', REFRESH_REUSE_WINDOW: '0', SOCKET_MAX_AGE: '1500ms' };
    expect(loadConfig(env, service)).toMatchObject({
      accessTokenTtl: 2_000,
      refreshReuseWindow: 0,
      socketMaxAge: 1_500,
    });
  });
});

describe('the pool of connections', () => {
  it.each(['0', '501', '-1', '5.5', 'many', '0x10'])('of %s is refused', (size) =>
    expect(refused({ DATABASE_POOL_SIZE: size })).toEqual(['DATABASE_POOL_SIZE']),
  );

  it('may be as small as one connection', () =>
    expect(loadConfig({ DATABASE_POOL_SIZE: '1' }, service).databasePoolSize).toBe(1));
});

describe('withBoundPort', () => {
  it('completes the origins that depend on PORT=0', () => {
    const config = withBoundPort(loadConfig({ PORT: '0' }, service), 51_234);
    expect([config.port, config.publicUrl]).toEqual([51_234, 'http://localhost:51234']);
    expect(config.allowedOrigins).toEqual(['http://localhost:51234', 'http://127.0.0.1:51234']);
  });

  it('does not change variables that were set', () => {
    const set = loadConfig(
      { PORT: '0', PUBLIC_URL: 'https://a.example', ALLOWED_ORIGINS: 'https://a.example' },
      service,
    );
    expect(withBoundPort(set, 51_234)).toEqual({ ...set, port: 51_234 });
    const fixed = loadConfig({ PORT: '4001' }, service);
    expect(withBoundPort(fixed, 51_234)).toBe(fixed);
  });

  it('omits port 80 as browsers do', () => {
    expect(loadConfig({ PORT: '80' }, service).allowedOrigins).toEqual(['http://localhost', 'http://127.0.0.1']);
  });
});

describe('a misspelt variable', () => {
  it('gives a warning with the intended name', () => {
    expect(loadConfig({ ACCES_TOKEN_TTL: '1s', PROT: '1', database_url: 'x' }, service).warnings).toEqual([
      'ACCES_TOKEN_TTL is not a known variable; did you mean ACCESS_TOKEN_TTL?',
      'PROT is not a known variable; did you mean PORT?',
      'database_url is not a known variable; did you mean DATABASE_URL?',
    ]);
  });

  it('is not reported for usual variables, or if the intended one is also set', () => {
    const usual = {
      HOME: '/root',
      HOSTNAME: 'a',
      PWD: '/',
      NODE_PATH: '',
      TERM: 'x',
      EDITOR: 'vi',
      npm_config_port: '1',
    };
    expect(loadConfig({ ...usual, REDIS_URI: 'x', REDIS_URL: 'redis://r' }, service).warnings).toEqual([]);
  });
});
