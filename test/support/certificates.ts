// Test certificates, created with openssl: a certificate authority and the certificates it signs.
import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Signing {
  /** `subjectAltName` in openssl syntax, such as `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
  readonly commonName?: string;
  /** Issues a certificate that has already expired. */
  readonly expired?: boolean;
}

export class Authority {
  private count = 0;

  private constructor(
    private readonly folder: string,
    /** Path of the CA certificate. */
    readonly cert: string,
    private readonly key: string,
  ) {}

  static async make(name = 'Test Authority'): Promise<Authority> {
    const folder = await mkdtemp(join(tmpdir(), 'tidings-certificates-'));
    const [cert, key] = [join(folder, 'authority.pem'), join(folder, 'authority.key')];
    await openssl('req', '-x509', ...NEW_KEY, '-keyout', key, '-out', cert, '-subj', `/CN=${name}`, '-days', '2');
    return new Authority(folder, cert, key);
  }

  async sign({
    names = 'DNS:localhost,IP:127.0.0.1',
    commonName = 'server',
    expired,
  }: Signing = {}): Promise<Certificate> {
    const path = join(this.folder, `${(this.count += 1)}`);
    const made = { cert: `${path}.pem`, key: `${path}.key` };
    await openssl('req', ...NEW_KEY, '-keyout', made.key, '-out', `${path}.csr`, '-subj', `/CN=${commonName}`);
    await writeFile(`${path}.ext`, `subjectAltName=${names}\n`);
    const signed = ['-CA', this.cert, '-CAkey', this.key, '-CAcreateserial', '-extfile', `${path}.ext`];
    const days = expired ? '-1' : '2';
    await openssl('x509', '-req', '-in', `${path}.csr`, '-out', made.cert, ...signed, '-days', days);
    return made;
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

async function openssl(...words: string[]): Promise<void> {
  try {
    await run('openssl', words);
  } catch (error) {
    throw new Error('These tests need openssl in PATH', { cause: error });
  }
}
