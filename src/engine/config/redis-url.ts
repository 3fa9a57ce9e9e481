// Parses REDIS_URL: each parameter is honoured or refused by name. TLS parameters are named as in DATABASE_URL.
import { isAbsolute } from 'node:path';
import type { DatabaseTls } from './database-url.js';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Database number; used by limits, ignored by pub/sub. */
  readonly database: number;
  /** undefined: not encrypted, `redis://`. */
  readonly tls: DatabaseTls | undefined;
}

const DEFAULT_PORT = 6379;
const MODES: ReadonlySet<string> = new Set(['verify-full', 'verify-ca', 'no-verify']);
const FILES = ['sslrootcert', 'sslcert', 'sslkey'] as const;
const HONOURED: ReadonlySet<string> = new Set(['sslmode', ...FILES]);

/** The parsed URL; or the reason for refusing it, as text. */
export function readRedisUrl(text: string): RedisAddress | string {
  const url = new URL(text);
  const names = [...url.searchParams.keys()];
  const unknown = names.find((name) => !HONOURED.has(name));
  if (unknown !== undefined) {
    // An unknown name may be a part of a password that was not percent-encoded.
    const shown = /^[a-z_]{1,40}$/i.test(unknown) ? ` ${unknown}` : '';
    return `has the parameter${shown}, which is not supported`;
  }
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) return `has the parameter ${twice} twice`;
  if (url.protocol !== 'rediss:' && names.length > 0) return `has ${names[0]}, which needs rediss://`;
  if (!/^\/?$|^\/\d{1,4}$/.test(url.pathname)) return 'must have nothing but the number of a database as its path';
  const tls = url.protocol === 'rediss:' ? readTls(Object.fromEntries(url.searchParams)) : undefined;
  if (typeof tls === 'string') return tls;
  return {
    host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    username: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
    database: Number(url.pathname.slice(1)),
    tls,
  };
}

function readTls(given: Partial<Record<string, string>>): DatabaseTls | string {
  const { sslmode: mode = 'verify-full', sslrootcert, sslcert, sslkey } = given;
  if (!MODES.has(mode)) return 'must have sslmode=verify-full, verify-ca or no-verify';
  const relative = FILES.find((name) => given[name] !== undefined && !isAbsolute(given[name]));
  if (relative) return `must have an absolute path as ${relative}`;
  if (!sslcert !== !sslkey) return 'must have sslcert and sslkey, or neither';
  if (mode === 'verify-ca' && !sslrootcert) return 'must have sslrootcert for sslmode=verify-ca';
  if (mode === 'no-verify' && sslrootcert) return 'has sslrootcert, which sslmode=no-verify would not use';
  return { mode: mode as DatabaseTls['mode'], rootCert: sslrootcert, cert: sslcert, key: sslkey, direct: false };
}
