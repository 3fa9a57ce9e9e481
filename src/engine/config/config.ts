// The effective configuration: the only reader of process.env, and otherwise pure. Secrets are generated in app-secret.ts.
import { resolve } from 'node:path';
import type { ZodType } from 'zod';
import type { ApplicationValues } from './application-settings.js';
import { ConfigError, type Problem } from './config-error.js';
import { crossProblems, crossWarnings, type Readable } from './config.rules.js';
import { configSchema, type Settings } from './config.schema.js';
import { isExposed } from './loopback.js';
import { misspellings } from './misspellings.js';
import type { Service } from './service.js';

export interface Config extends ApplicationValues {
  /** Given by the application: not read from the environment. */
  readonly service: Service;
  /** `NODE_ENV=production`. */
  readonly production: boolean;
  /** TCP port; 0: a free one, passed to `withBoundPort` once it is known. */
  readonly port: number;
  /** Address or name to listen on. */
  readonly host: string;
  /** `postgresql://…`; undefined: the embedded server. */
  readonly databaseUrl: string | undefined;
  /** No DATABASE_URL: runs the embedded PostgreSQL in `dataDir`. */
  readonly embedded: boolean;
  /** Connections to the database shared by requests and deliveries. */
  readonly databasePoolSize: number;
  /** `redis://…`; undefined: a single process. */
  readonly redisUrl: string | undefined;
  /** Absolute path; need not exist yet. */
  readonly dataDir: string;
  /** At least 32 bytes each, the current one first; all verify. Empty until `resolveSecrets` when none is set. */
  readonly appSecrets: readonly Buffer[];
  /** An origin without trailing slash. Port 0 stands for the port that is not bound yet. */
  readonly publicUrl: string;
  /** Compare exactly with the `Origin` header. Port 0 as above. */
  readonly allowedOrigins: readonly string[];
  /** CIDRs of proxies whose `X-Forwarded-For` is trusted. */
  readonly trustProxy: readonly string[];
  /** Milliseconds, whole seconds: `exp - iat` of an access token. */
  readonly accessTokenTtl: number;
  /** Milliseconds a session lives without a refresh. */
  readonly sessionIdleTtl: number;
  /** Milliseconds a session lives at all; at least `sessionIdleTtl`. */
  readonly sessionMaxAge: number;
  /** Milliseconds in which the previous refresh token gets the same answer; 0: never. */
  readonly refreshReuseWindow: number;
  /** Milliseconds after which a socket is closed in any case. */
  readonly socketMaxAge: number;
  /** Milliseconds that events stay in the log, and cursors valid. */
  readonly eventRetention: number;
  /** Milliseconds for which audit entries are kept. */
  readonly auditRetention: number;
  /** `smtp://…`; undefined: files in `dataDir/outbox`, in production no mails at all. */
  readonly smtpUrl: string | undefined;
  /** Mails per hour of one instance. */
  readonly mailsPerHour: number;
  readonly registration: Settings['REGISTRATION'];
  /** Registrations per hour, in total. */
  readonly registrationsPerHour: number;
  readonly rateLimits: boolean;
  /** TCP connections of this instance, and of one address unless it is a trusted proxy. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly logLevel: Settings['LOG_LEVEL'];
  /** Warnings about probably unintended settings, without values, to log at the start. */
  readonly warnings: readonly string[];
}

/** The environment of this process. For entry points; everything else is given a `Config`. */
export function readEnvironment(): NodeJS.ProcessEnv {
  // oxlint-disable-next-line no-process-env -- the only place that reads it
  return process.env;
}

/**
 * Reads, validates and completes the configuration, without side effects.
 * @throws {ConfigError} with all invalid and missing variables, by name, never by value.
 */
export function loadConfig<Values extends ApplicationValues>(
  env: NodeJS.ProcessEnv,
  service: Service<Values>,
): Config & Values {
  const types = { ...configSchema.shape, ...service.settings.variables };
  const [read, problems] = readAll(env, types);
  const refused = new Set(problems.map(({ variable }) => variable));
  const broken = [...crossProblems(read), ...service.settings.problems(read)];
  const all = [...problems, ...broken.filter(({ variable }) => !refused.has(variable))];
  const misspelt = misspellings(Object.keys(env), Object.keys(types));
  if (all.length > 0) throw new ConfigError(all, misspelt);
  // Without a problem every variable was read.
  return complete(service, read as Settings, misspelt);
}

/** Validates each variable separately: zod would skip rules between variables if any variable is invalid. */
function readAll(env: NodeJS.ProcessEnv, types: Readonly<Record<string, ZodType>>): [Readable, Problem[]] {
  const problems: Problem[] = [];
  const entries = Object.entries(types).map(([variable, type]) => {
    const result = type.safeParse(env[variable]);
    if (!result.success) problems.push({ variable, reason: result.error.issues[0]?.message ?? 'is not valid' });
    return [variable, result.data] as const;
  });
  return [Object.fromEntries(entries), problems];
}

function complete<Values extends ApplicationValues>(
  service: Service<Values>,
  s: Settings,
  misspelt: readonly string[],
): Config & Values {
  const production = s.NODE_ENV === 'production';
  const host = s.HOST ?? (production ? '0.0.0.0' : '127.0.0.1');
  const embedded = s.DATABASE_URL === undefined;
  const publicUrl = s.PUBLIC_URL ?? local('localhost', s.PORT);
  const engine = { production, embedded, host };
  return {
    ...service.settings.values(s, engine),
    service,
    production,
    port: s.PORT,
    host,
    databaseUrl: s.DATABASE_URL,
    embedded,
    databasePoolSize: s.DATABASE_POOL_SIZE,
    redisUrl: s.REDIS_URL,
    dataDir: resolve(s.DATA_DIR ?? `.${service.prefix}`),
    appSecrets: s.APP_SECRET?.map(({ key }) => key) ?? [],
    publicUrl,
    allowedOrigins: s.ALLOWED_ORIGINS ?? defaultOrigins(publicUrl, s.PORT),
    trustProxy: s.TRUST_PROXY,
    accessTokenTtl: s.ACCESS_TOKEN_TTL,
    sessionIdleTtl: s.SESSION_IDLE_TTL,
    sessionMaxAge: s.SESSION_MAX_AGE,
    refreshReuseWindow: s.REFRESH_REUSE_WINDOW,
    socketMaxAge: s.SOCKET_MAX_AGE,
    eventRetention: s.EVENT_RETENTION,
    auditRetention: s.AUDIT_RETENTION,
    smtpUrl: s.SMTP_URL,
    mailsPerHour: s.MAILS_PER_HOUR,
    registration: s.REGISTRATION,
    registrationsPerHour: s.REGISTRATIONS_PER_HOUR,
    rateLimits: s.RATE_LIMITS,
    maxConnections: s.MAX_CONNECTIONS,
    maxConnectionsPerAddress: s.MAX_CONNECTIONS_PER_ADDRESS,
    logLevel: s.LOG_LEVEL,
    warnings: [...misspelt, ...crossWarnings(s, publicUrl), ...service.settings.warnings(s, engine)],
  };
}

/** Browsers omit port 80. */
const local = (name: string, port: number) => new URL(`http://${name}:${port}`).origin;

/** A public site must not trust local servers of its visitors, so 127.0.0.1 is added only if the site is local. */
function defaultOrigins(publicUrl: string, port: number): readonly string[] {
  const isLocal = publicUrl.startsWith('http:') && !isExposed(publicUrl);
  return isLocal ? [...new Set([publicUrl, local('127.0.0.1', port)])] : [publicUrl];
}

/** With `PORT=0`: `config` with the bound port, also in default origins. Otherwise `config` itself. */
export function withBoundPort<C extends Config>(config: C, port: number): C {
  if (config.port !== 0) return config;
  // No variable may name port 0 (see the `origin` type), so it stands in defaults only.
  const fill = (origin: string) => (new URL(origin).port === '0' ? local(new URL(origin).hostname, port) : origin);
  return { ...config, port, publicUrl: fill(config.publicUrl), allowedOrigins: config.allowedOrigins.map(fill) };
}
