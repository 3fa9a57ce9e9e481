import { ConfigError } from '../engine/config/config-error.js';
import { loadConfig } from '../engine/config/config.js';
import { service } from './service.js';

const LIVE = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgresql://tidings:pw@db/tidings',
  APP_SECRET: '6Yb1k0nDnWcYyV3m2n3J8yVqz0m0Hk3oR1t2u7w9x0A=',
  PUBLIC_URL: 'https://tidings.example',
  SMTP_URL: 'smtps://mail.example',
};

describe('pages', () => {
  it('are on by default, in production without the playground and introspection', () => {
    expect(loadConfig({}, service)).toMatchObject({ dashboard: true, playground: true, introspection: true });
    expect(loadConfig(LIVE, service)).toMatchObject({ dashboard: true, playground: false, introspection: false });
  });

  it('can be switched', () => {
    const env = { ...LIVE, DASHBOARD: 'off', PLAYGROUND: 'on' };
    expect(loadConfig(env, service)).toMatchObject({ dashboard: false, playground: true, introspection: true });
  });
});

describe('demo accounts', () => {
  it.each([
    [{}, true],
    [{ HOST: 'localhost' }, true],
    [{ HOST: '::1' }, true],
    [{ HOST: '0.0.0.0' }, false],
    [{ DATABASE_URL: 'postgresql:///tidings?host=/run/postgresql' }, false],
    [{ DEMO: 'false' }, false],
    [{ DEMO: 'true', DATABASE_URL: 'postgres://db/tidings' }, true],
    [LIVE, false],
  ])('%j: %s', (env, demo) => expect(loadConfig(env, service).demo).toBe(demo));

  it('are refused in production', () => {
    expect(() => loadConfig({ ...LIVE, DEMO: 'true' }, service)).toThrow(ConfigError);
    expect(() => loadConfig({ ...LIVE, DEMO: 'true' }, service)).toThrow(/ {2}DEMO must not be true/);
  });

  it('give a warning where other machines reach them', () => {
    const config = loadConfig({ DEMO: 'true', HOST: '0.0.0.0' }, service);
    expect([config.demo, config.warnings.length]).toEqual([true, 1]);
  });
});
