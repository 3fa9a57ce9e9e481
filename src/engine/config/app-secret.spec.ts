import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deriveKey, loadOrCreateSecret, resolveSecrets, SECRET_FILE } from './app-secret.js';
import { loadConfig } from './config.js';
import { service } from '../../../test/fixtures/engine-domain/service.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'tidings-secret-')), 'data');
});
afterEach(() => rm(join(dataDir, '..'), { recursive: true }));

describe('a generated secret', () => {
  it('is created once, readable by its owner only, without temporary files', async () => {
    const secret = await loadOrCreateSecret(dataDir);
    expect(secret).toHaveLength(32);
    expect(await loadOrCreateSecret(dataDir)).toEqual(secret);
    expect((await stat(join(dataDir, SECRET_FILE))).mode & 0o777).toBe(0o600);
    expect(await readdir(dataDir)).toEqual([SECRET_FILE]);
  });

  it('is the same for processes that start concurrently', async () => {
    const secrets = await Promise.all(Array.from({ length: 20 }, () => loadOrCreateSecret(dataDir)));
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(1);
    expect(await readdir(dataDir)).toEqual([SECRET_FILE]);
  });

  it.each(['', 'short', 'not a secret at all: s3ntinel'])(
    'that is damaged (%j) is neither replaced nor logged',
    async (text) => {
      await mkdir(dataDir);
      await writeFile(join(dataDir, SECRET_FILE), text);
      await expect(loadOrCreateSecret(dataDir)).rejects.toThrow(/DATA_DIR\/app-secret .*Restore it, or delete it/);
      await expect(loadOrCreateSecret(dataDir)).rejects.not.toThrow('s3ntinel');
      expect(await readFile(join(dataDir, SECRET_FILE), 'utf8')).toBe(text);
    },
  );

  it('that cannot be stored is reported without the path', async () => {
    await writeFile(dataDir, 'a file where the directory should be');
    await expect(loadOrCreateSecret(dataDir)).rejects.toThrow('DATA_DIR/app-secret cannot be used (ENOTDIR)');
    await expect(loadOrCreateSecret(dataDir)).rejects.not.toThrow(dataDir);
  });
});

describe('resolving secrets', () => {
  it('generates one if none is set', async () => {
    const config = await resolveSecrets(loadConfig({ DATA_DIR: dataDir }, service));
    expect(config.appSecrets).toEqual([await loadOrCreateSecret(dataDir)]);
  });

  it('writes nothing if one is set, or in production', async () => {
    const config = loadConfig({ DATA_DIR: dataDir, APP_SECRET: randomBytes(32).toString('base64') }, service);
    expect(await resolveSecrets(config)).toBe(config);
    await expect(resolveSecrets({ ...config, production: true, appSecrets: [] })).rejects.toThrow('APP_SECRET');
    await expect(stat(dataDir)).rejects.toThrow('ENOENT');
  });
});

describe('a derived key', () => {
  const secret = Buffer.alloc(32, 1);

  it('depends on secret and label only', () => {
    expect(deriveKey(secret, 'a')).toEqual(deriveKey(secret, 'a'));
    expect(deriveKey(secret, 'a')).not.toEqual(deriveKey(secret, 'b'));
    expect(deriveKey(secret, 'a')).not.toEqual(deriveKey(Buffer.alloc(32, 2), 'a'));
    expect(deriveKey(secret, 'a', 48)).toHaveLength(48);
    expect(() => deriveKey(secret, '')).toThrow('label');
  });

  it('is HKDF-SHA256 with an empty salt, equal to that of OpenSSL', () => {
    // openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:0b…0b -kdfopt info:tidings HKDF
    expect(deriveKey(Buffer.alloc(32, 0x0b), 'tidings').toString('hex')).toBe(
      '6b1ffabf9dc20f41dde828213645cb947426489212c413eb687125f7107b832b',
    );
  });
});
