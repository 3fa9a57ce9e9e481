// The report of `npm run config:check`: the effective settings without secrets, or all problems.
import { ConfigError } from './config-error.js';
import type { VariableName } from './config.schema.js';
import { type Config, loadConfig } from './config.js';
import { readDatabaseUrl } from './database-url.js';
import { formatDuration } from './durations.js';
import { readRedisUrl } from './redis-url.js';
import type { Service } from './service.js';
import { tlsFiles } from './tls-files.js';

export interface ConfigReport {
  readonly valid: boolean;
  readonly text: string;
}

const onOff = (value: boolean) => (value ? 'on' : 'off');
const listed = (values: readonly string[]) => values.join(', ') || 'none';

const SHOWN: Record<VariableName, (config: Config) => string> = {
  NODE_ENV: (config) => (config.production ? 'production' : 'not production'),
  PORT: (config) => (config.port === 0 ? '0 (any free one)' : String(config.port)),
  HOST: (config) => config.host,
  DATABASE_URL: (config) => maskUrl(config.databaseUrl) ?? 'not set (embedded)',
  DATABASE_POOL_SIZE: (config) => String(config.databasePoolSize),
  REDIS_URL: (config) => maskUrl(config.redisUrl) ?? 'not set (one process)',
  DATA_DIR: (config) => config.dataDir,
  APP_SECRET: (config) => (config.appSecrets.length > 0 ? 'set' : 'not set (one is kept in DATA_DIR)'),
  PUBLIC_URL: (config) => config.publicUrl,
  ALLOWED_ORIGINS: (config) => listed(config.allowedOrigins),
  TRUST_PROXY: (config) => listed(config.trustProxy),
  ACCESS_TOKEN_TTL: (config) => formatDuration(config.accessTokenTtl),
  SESSION_IDLE_TTL: (config) => formatDuration(config.sessionIdleTtl),
  SESSION_MAX_AGE: (config) => formatDuration(config.sessionMaxAge),
  REFRESH_REUSE_WINDOW: (config) => formatDuration(config.refreshReuseWindow),
  SOCKET_MAX_AGE: (config) => formatDuration(config.socketMaxAge),
  EVENT_RETENTION: (config) => formatDuration(config.eventRetention),
  AUDIT_RETENTION: (config) => formatDuration(config.auditRetention),
  SMTP_URL: (config) => maskUrl(config.smtpUrl) ?? 'not set',
  MAILS_PER_HOUR: (config) => String(config.mailsPerHour),
  REGISTRATION: (config) => config.registration,
  REGISTRATIONS_PER_HOUR: (config) => String(config.registrationsPerHour),
  MAX_CONNECTIONS: (config) => String(config.maxConnections),
  MAX_CONNECTIONS_PER_ADDRESS: (config) => String(config.maxConnectionsPerAddress),
  RATE_LIMITS: (config) => onOff(config.rateLimits),
  LOG_LEVEL: (config) => config.logLevel,
};

/** Keeps scheme, host, port and path; credentials and the query, which may contain passwords, become `***`. */
export function maskUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = new URL(text);
  const credentials = url.username || url.password ? '***@' : '';
  return `${url.protocol}//${credentials}${url.host}${url.pathname}${url.search ? '?***' : ''}`;
}

/** Validates `env` like a start, including the files it names, without writing, connecting or starting anything. */
export function reportConfig(env: NodeJS.ProcessEnv, service: Service): ConfigReport {
  try {
    const config = loadConfig(env, service);
    const engine = Object.entries(SHOWN).map(([name, show]) => [name, show(config)]);
    const settings = [...engine, ...Object.entries(service.settings.report(config))];
    const rows = settings.map(([name, value]) => `  ${name?.padEnd(29)}${value}`);
    assertFilesReadable(config);
    const warnings = config.warnings.map((warning) => `  warning: ${warning}`);
    return { valid: true, text: ['Configuration is valid:', ...rows, ...warnings].join('\n') };
  } catch (error) {
    if (error instanceof ConfigError) return { valid: false, text: error.message };
    throw error;
  }
}

function assertFilesReadable({ databaseUrl, redisUrl }: Config): void {
  const database = databaseUrl === undefined ? undefined : readDatabaseUrl(databaseUrl);
  if (typeof database === 'object') tlsFiles('DATABASE_URL', database);
  const redis = redisUrl === undefined ? undefined : readRedisUrl(redisUrl);
  if (typeof redis === 'object') tlsFiles('REDIS_URL', redis);
}
