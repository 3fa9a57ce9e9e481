// Parses DATABASE_URL: each parameter is honoured or refused by name. Refusals contain no values.
import { isAbsolute } from 'node:path';

/** How the connection is encrypted, as libpq defines the modes of the same names; `no-verify` accepts any certificate. */
export type TlsMode = 'require' | 'verify-ca' | 'verify-full' | 'no-verify';

export interface DatabaseTls {
  readonly mode: TlsMode;
  /** File of trusted certificate authorities; undefined: those of Node. */
  readonly rootCert: string | undefined;
  /** Files of the client's certificate and key; both or none. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Starts with TLS directly, without negotiation: PostgreSQL 17 and newer. */
  readonly direct: boolean;
}

export interface DatabaseAddress {
  /** Host name or address; a path that starts with `/`: the folder of a Unix domain socket. */
  readonly host: string;
  readonly port: number;
  /** undefined: the defaults of `pg` (PGUSER, PGPASSWORD, ~/.pgpass, the user of this process). */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** undefined: not encrypted. */
  readonly tls: DatabaseTls | undefined;
  /** Empty: none. */
  readonly applicationName: string;
  /** Command-line options of the server's process, such as `-c search_path=updates`. */
  readonly options: string | undefined;
  readonly connectTimeoutMs: number;
}

const MODES: ReadonlySet<string> = new Set(['require', 'verify-ca', 'verify-full', 'no-verify']);
const DEFAULT_PORT = 5432;
const DEFAULT_CONNECT_TIMEOUT_S = 5;
const MAX_CONNECT_TIMEOUT_S = 60;

const HONOURED = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslnegotiation',
  'application_name',
  'options',
  'connect_timeout',
  'target_session_attrs',
] as const;
type Name = (typeof HONOURED)[number];

/** Alternatives to parameters of other programs. */
const INSTEAD: Readonly<Record<string, string>> = {
  ssl: 'use sslmode',
  schema: 'use options=-c search_path=…, percent-encoded',
  search_path: 'use options=-c search_path=…, percent-encoded',
  channel_binding: 'leave it out; sslmode=verify-full proves who the server is',
  gssencmode: 'leave it out; connections are encrypted by sslmode',
  pgbouncer: 'leave it out; poolers are recognised',
  connection_limit: 'use DATABASE_POOL_SIZE',
  client_encoding: 'leave it out; it is always UTF8',
};

class Refusal extends Error {}
const refuse = (reason: string): never => {
  throw new Refusal(reason);
};

/** The parsed URL; or the reason for refusing it, as text. */
export function readDatabaseUrl(text: string): DatabaseAddress | string {
  try {
    return read(new URL(text));
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    if (error instanceof URIError) return 'must have % percent-encoded, as %25';
    throw error;
  }
}

function read(url: URL): DatabaseAddress {
  const given = parameters(url.searchParams);
  const tls = readTls(given);
  const host = readHost(url, given.host);
  if (host.startsWith('/') && tls) refuse('asks for TLS (sslmode) over a Unix domain socket, which has none');
  const database = given.dbname ?? decodeURIComponent(url.pathname.slice(1));
  if (database.includes('/')) refuse('must name one database: the path has more than one part');
  const target = given.target_session_attrs ?? 'any';
  if (!['any', 'read-write', 'primary'].includes(target))
    refuse('has target_session_attrs for a server that cannot be written: any, read-write and primary are possible');
  return {
    host,
    port: wholeNumber('port', given.port ?? (url.port || String(DEFAULT_PORT)), 65_535),
    user: given.user || decodeURIComponent(url.username) || undefined,
    password: given.password || decodeURIComponent(url.password) || undefined,
    database: database || undefined,
    tls,
    applicationName: given.application_name ?? '',
    options: given.options || undefined,
    connectTimeoutMs:
      1000 *
      wholeNumber('connect_timeout', given.connect_timeout ?? String(DEFAULT_CONNECT_TIMEOUT_S), MAX_CONNECT_TIMEOUT_S),
  };
}

function parameters(search: URLSearchParams): Partial<Record<Name, string>> {
  const names = [...search.keys()];
  for (const [at, name] of names.entries()) {
    if (!HONOURED.includes(name as Name)) {
      // An unknown name may be a part of a password that was not percent-encoded.
      const shown = /^[a-z_]{1,40}$/i.test(name) ? ` ${name}` : '';
      const instead = INSTEAD[name.toLowerCase()];
      refuse(`has the parameter${shown}, which is not supported${instead ? `: ${instead}` : ''}`);
    }
    if (names.indexOf(name) !== at) refuse(`has the parameter ${name} twice`);
  }
  return Object.fromEntries(search);
}

function readHost(url: URL, inQuery: string | undefined): string {
  const inUrl = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1');
  if (inUrl && inQuery) refuse('names its host twice, before the path and as a parameter');
  const host = inUrl || inQuery || 'localhost';
  if (host.includes(',')) refuse('names several hosts: name one, or a proxy in front of them');
  if (host.includes('/') && !isAbsolute(host)) refuse('must have an absolute path as the folder of a socket');
  return host;
}

function readTls(given: Partial<Record<Name, string>>): DatabaseTls | undefined {
  const { sslmode: mode = 'disable', sslrootcert, sslcert, sslkey, sslnegotiation = 'postgres' } = given;
  if (mode === 'prefer' || mode === 'allow')
    refuse(`has sslmode=${mode}, which may silently go without TLS: use require, verify-full or disable`);
  if (mode !== 'disable' && !MODES.has(mode))
    refuse('must have sslmode=disable, require, verify-ca, verify-full or no-verify');
  if (sslnegotiation !== 'postgres' && sslnegotiation !== 'direct')
    refuse('must have sslnegotiation=postgres or direct');
  if (mode === 'disable') {
    const needless = (['sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation'] as const).find((name) => given[name]);
    return needless ? refuse(`has ${needless} without an sslmode that uses TLS`) : undefined;
  }
  for (const [name, file] of Object.entries({ sslrootcert, sslcert, sslkey })) {
    if (file === undefined || isAbsolute(file) || (name === 'sslrootcert' && file === 'system')) continue;
    refuse(`must have an absolute path as ${name}`);
  }
  if (!sslcert !== !sslkey) refuse('must have sslcert and sslkey, or neither');
  if (mode === 'verify-ca' && !sslrootcert)
    refuse('must have sslrootcert for sslmode=verify-ca: with public authorities anyone can have a certificate');
  if (mode === 'verify-ca' && sslrootcert === 'system') refuse('must have sslmode=verify-full for sslrootcert=system');
  if (mode === 'no-verify' && sslrootcert) refuse('has sslrootcert, which sslmode=no-verify would not use');
  return {
    mode: mode as TlsMode,
    rootCert: sslrootcert === 'system' ? undefined : sslrootcert,
    cert: sslcert,
    key: sslkey,
    direct: sslnegotiation === 'direct',
  };
}

function wholeNumber(name: Name, text: string, max: number): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= max ? value : refuse(`must have a whole number from 1 to ${max} as ${name}`);
}
