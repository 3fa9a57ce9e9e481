// Certificates and keys named by DATABASE_URL or REDIS_URL, read for each connection, so that they can be replaced at run time.
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, checkServerIdentity, createSecureContext } from 'node:tls';
import { ConfigError } from './config-error.js';
import type { DatabaseTls } from './database-url.js';

export class TlsFiles {
  private readable: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>;

  /** Throws {@link ConfigError} if a file cannot be read, or is invalid. */
  constructor(
    private readonly variable: string,
    private readonly tls: DatabaseTls,
    private readonly host: string,
  ) {
    this.readable = readFiles(variable, tls);
  }

  /** Options for the next connection. While the files cannot be read, the previous ones. */
  options(): ConnectionOptions {
    try {
      this.readable = readFiles(this.variable, this.tls);
    } catch {
      // A rotation may replace one file after the other.
    }
    return { ...this.readable, ...this.verification() };
  }

  /** TLS modes as in libpq: `require` with a file of authorities is `verify-ca`. */
  private verification(): ConnectionOptions {
    const { mode, rootCert } = this.tls;
    if (mode === 'verify-full') {
      // `pg` names the host to TLS only if it is no address.
      return { checkServerIdentity: (_host, certificate) => checkServerIdentity(this.host, certificate) };
    }
    if (mode === 'no-verify' || rootCert === undefined) return { rejectUnauthorized: false };
    return { checkServerIdentity: () => undefined };
  }
}

/** For the server that `variable` names. Undefined: the connection is not encrypted. */
export function tlsFiles(
  variable: string,
  { tls, host }: { readonly tls: DatabaseTls | undefined; readonly host: string },
): TlsFiles | undefined {
  return tls && new TlsFiles(variable, tls, host);
}

function readFiles(
  variable: string,
  { rootCert, cert, key }: DatabaseTls,
): Pick<ConnectionOptions, 'ca' | 'cert' | 'key'> {
  const refused = (reason: string) => new ConfigError([{ variable, reason }]);
  const contents = (name: string, file: string): string => {
    const text = read(file);
    if (typeof text !== 'string')
      throw refused(`names as ${name} a file that cannot be read (${text.code ?? 'unknown'})`);
    // OpenSSL skips unknown content: without this check, a file without certificates would silently trust nobody.
    if (!text.includes('-----BEGIN ')) throw refused(`names as ${name} a file that is not in PEM form`);
    return text;
  };
  const files = {
    ...(rootCert === undefined ? {} : { ca: contents('sslrootcert', rootCert) }),
    ...(cert === undefined ? {} : { cert: contents('sslcert', cert) }),
    ...(key === undefined ? {} : { key: contents('sslkey', key) }),
  };
  try {
    createSecureContext(files);
  } catch (error) {
    const { code = 'unknown format' } = error as NodeJS.ErrnoException;
    throw refused(`has files of sslrootcert, sslcert and sslkey that cannot be used together (${code})`);
  }
  return files;
}

function read(file: string): string | NodeJS.ErrnoException {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}
