// The certificates and the key that DATABASE_URL names, read anew for each connection: they may be replaced while we run.
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, checkServerIdentity, createSecureContext } from 'node:tls';
import { ConfigError } from './config-error.js';
import type { DatabaseAddress, DatabaseTls } from './database-url.js';

export class TlsFiles {
  private readable: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>;

  /** Throws {@link ConfigError} if a file cannot be read, or holds something else. */
  constructor(
    private readonly tls: DatabaseTls,
    private readonly host: string,
  ) {
    this.readable = readFiles(tls);
  }

  /** Options of the next connection. While the files cannot be read, those of the last time. */
  options(): ConnectionOptions {
    try {
      this.readable = readFiles(this.tls);
    } catch {
      // A rotation may replace one file after the other.
    }
    return { ...this.readable, ...this.verification() };
  }

  /** The modes as libpq has them: `require` with a file of authorities is `verify-ca`. */
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

/** Undefined: the connection is not encrypted. */
export function tlsFiles({ tls, host }: DatabaseAddress): TlsFiles | undefined {
  return tls && new TlsFiles(tls, host);
}

function readFiles({ rootCert, cert, key }: DatabaseTls): Pick<ConnectionOptions, 'ca' | 'cert' | 'key'> {
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

function contents(name: string, file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    // OpenSSL passes over what it does not know: without this, a file without certificates would trust nobody, in silence.
    if (!text.includes('-----BEGIN ')) throw refused(`names as ${name} a file that is not in PEM form`);
    return text;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw refused(
      `names as ${name} a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    );
  }
}

const refused = (reason: string) => new ConfigError([{ variable: 'DATABASE_URL', reason }]);
