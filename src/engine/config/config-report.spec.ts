import { randomBytes } from 'node:crypto';
import { maskUrl, reportConfig } from './config-report.js';
import { VARIABLES } from './config.schema.js';
import { service } from '../../../test/fixtures/engine-domain/service.js';

describe('the report of config:check', () => {
  it('lists every effective setting, and no secret', () => {
    const { valid, text } = reportConfig(
      {
        APP_SECRET: `${randomBytes(32).toString('base64')},${Buffer.from('s3ntinel'.repeat(4)).toString('hex')}`,
        DATABASE_URL: 'postgresql://s3ntinel:s3ntinel@db:5432/tidings?password=s3ntinel',
        REDIS_URL: 'redis://:s3ntinel@redis/1',
        SMTP_URL: 'smtp://me%40s3ntinel:s3ntinel@mail.example:587',
        SESSION_IDLE_TTL: '48h',
      },
      service,
    );
    expect(valid).toBe(true);
    for (const name of [...VARIABLES, 'INTROSPECTION']) expect(text).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'));
    expect(text).toMatch(/APP_SECRET +set$/m);
    expect(text).toMatch(/DATABASE_URL +postgresql:\/\/\*\*\*@db:5432\/tidings\?\*\*\*$/m);
    expect(text).toMatch(/SESSION_IDLE_TTL +2d$/m);
    expect(text).toContain('warning: APP_SECRET');
    expect(text).not.toContain('s3ntinel');
    expect(text).not.toContain(Buffer.from('s3ntinel').toString('hex'));
  });

  it('lists all problems of an environment that would be refused', () => {
    const { valid, text } = reportConfig({ NODE_ENV: 'production', PORT: 'http', RATE_LIMITS: 'off' }, service);
    expect(valid).toBe(false);
    for (const name of ['PORT', 'DATABASE_URL', 'APP_SECRET', 'RATE_LIMITS']) expect(text).toContain(`\n  ${name} `);
  });

  it('does not change a URL without credentials', () => {
    expect(maskUrl('redis://redis:6379/0')).toBe('redis://redis:6379/0');
    expect(maskUrl(undefined)).toBeUndefined();
  });
});
