// Every variable that the engine reads, with its kind, bounds and default. docs/configuration.md explains them to operators.
// What holds between variables is in config.rules.ts; defaults that depend on another variable are in config.ts.
import { z } from 'zod';
import * as type from './variable-types.js';

const { variable } = type;

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** Durations are in milliseconds. The absence of `optional` ones has a meaning. */
export const configSchema = z.object({
  NODE_ENV: variable(type.oneOf('development', 'test', 'production').default('development')),
  PORT: variable(type.port.default(4000)),
  HOST: variable(type.host.optional()),
  DATABASE_URL: variable(type.databaseUrl.optional()),
  DATABASE_POOL_SIZE: variable(type.wholeNumber({ min: 1, max: 500 }).default(20)),
  REDIS_URL: variable(type.redisUrl.optional()),
  DATA_DIR: variable(type.path.optional()),
  APP_SECRET: variable(type.appSecrets.optional()),
  PUBLIC_URL: variable(type.origin.optional()),
  ALLOWED_ORIGINS: variable(type.origins.optional()),
  TRUST_PROXY: variable(type.networks.default([])),
  // Whole seconds, like `exp` and `iat` of a JWT.
  ACCESS_TOKEN_TTL: variable(type.duration({ min: '1s', max: '24h', seconds: true }).default(900_000)),
  // Browsers limit cookies to 400 days.
  SESSION_IDLE_TTL: variable(type.duration({ min: '1s', max: '400d' }).default(30 * 86_400_000)),
  SESSION_MAX_AGE: variable(type.duration({ min: '1s', max: '400d' }).default(90 * 86_400_000)),
  REFRESH_REUSE_WINDOW: variable(type.duration({ min: '0', max: '10m' }).default(10_000)),
  // Timers of Node are limited to 24 days.
  SOCKET_MAX_AGE: variable(type.duration({ min: '1s', max: '7d' }).default(3_600_000)),
  EVENT_RETENTION: variable(type.duration({ min: '1h', max: '3650d' }).default(30 * 86_400_000)),
  AUDIT_RETENTION: variable(type.duration({ min: '1h', max: '3650d' }).default(365 * 86_400_000)),
  SMTP_URL: variable(type.connectionUrl(['smtp', 'smtps']).optional()),
  MAILS_PER_HOUR: variable(type.wholeNumber({ min: 1, max: 1_000_000 }).default(2_000)),
  REGISTRATION: variable(type.oneOf('open', 'closed').default('open')),
  REGISTRATIONS_PER_HOUR: variable(type.wholeNumber({ min: 1, max: 1_000_000 }).default(500)),
  MAX_CONNECTIONS: variable(type.wholeNumber({ min: 10, max: 1_000_000 }).default(10_000)),
  MAX_CONNECTIONS_PER_ADDRESS: variable(type.wholeNumber({ min: 1, max: 1_000_000 }).default(2_048)),
  RATE_LIMITS: variable(type.flag('on', 'off').default(true)),
  LOG_LEVEL: variable(type.oneOf(...LOG_LEVELS).default('info')),
});

export type Settings = z.output<typeof configSchema>;
export type VariableName = keyof Settings;
export const VARIABLES = Object.keys(configSchema.shape) as readonly VariableName[];
