// The secret from which all keys are derived, and its file outside production.
import { hkdfSync, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from './config-error.js';
import type { Config } from './config.js';
import { readSecret, SECRET_BYTES } from './secret-encoding.js';

/** File name of the generated secret in DATA_DIR. */
export const SECRET_FILE = 'app-secret';

/**
 * A key of `length` bytes for one purpose, by HKDF-SHA256 (RFC 5869) with an empty salt and `label` as info.
 * Labels must differ between purposes; changing one changes its key.
 */
export function deriveKey(secret: Buffer, label: string, length = 32): Buffer {
  if (label === '') throw new TypeError('deriveKey needs a label: without one, two purposes would share a key');
  return Buffer.from(hkdfSync('sha256', secret, '', label, length));
}

/**
 * `config` with its secrets: as configured, or the one in DATA_DIR, which is generated at the first start.
 * @throws {ConfigError} in production without APP_SECRET, or when the file is damaged or cannot be read or written.
 */
export async function resolveSecrets<C extends Config>(config: C): Promise<C> {
  if (config.appSecrets.length > 0) return config;
  if (config.production) throw new ConfigError([{ variable: 'APP_SECRET', reason: 'is required in production' }]);
  return { ...config, appSecrets: [await loadOrCreateSecret(config.dataDir)] };
}

/**
 * The secret in `dataDir`, generated if there is none. Processes that start concurrently agree on one.
 * @throws {ConfigError} when the file is damaged or cannot be read or written.
 */
export async function loadOrCreateSecret(dataDir: string): Promise<Buffer> {
  const file = join(dataDir, SECRET_FILE);
  try {
    const text = (await read(file)) ?? (await create(dataDir, file));
    const secret = readSecret(text.trim());
    if (typeof secret !== 'string') return secret.key;
    throw refused(`${secret}. Restore it, or delete it: a new one is made, and everybody signs in again`);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw refused(`cannot be used (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written completely under another name, then published by `link`, which never replaces: the first process wins. */
async function create(dataDir: string, file: string): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await using handle = await open(draft, 'wx', 0o600);
    await handle.writeFile(`${randomBytes(SECRET_BYTES).toString('base64')}\n`);
    await handle.sync();
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(file, 'utf8');
}

// Not the full path, which contains the value of DATA_DIR.
const refused = (reason: string) =>
  new ConfigError([{ variable: 'APP_SECRET', reason: `is not set, and DATA_DIR/${SECRET_FILE} ${reason}` }]);
