// Locks on files that the operating system releases when the process ends, even by kill -9. SQLite's file locks are the
// portable ones that Node has. Nothing is written to these databases, so a full disk does not matter.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DataDirInUseError, EmbeddedPostgresError, USE_YOUR_OWN } from './errors.js';

const SQLITE_BUSY = 5;

/** Locks `file`, creating it if needed, and returns how to unlock it. Undefined: still locked elsewhere after `timeout` ms. */
export function lockFile(file: string, timeout: number): (() => void) | undefined {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file, { timeout });
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE');
    return lock.close.bind(lock);
  } catch (error) {
    lock?.close();
    const { errcode, message } = error as { errcode?: number; message: string };
    if (errcode === SQLITE_BUSY) return undefined;
    throw new EmbeddedPostgresError(
      `Cannot lock ${file}: ${message}. Set DATA_DIR to a folder of this user on a local disk, ${USE_YOUR_OWN}.`,
      { cause: error },
    );
  }
}

/** Makes this process the owner of `dataDir` until it ends or calls the returned function. Throws `DataDirInUseError`. */
export function lockDataDir(dataDir: string): () => void {
  const owner = join(dataDir, 'postgres.owner');
  const unlock = lockFile(join(dataDir, 'postgres.lock'), 0);
  if (!unlock) throw new DataDirInUseError(dataDir, existsSync(owner) ? readFileSync(owner, 'utf8') : 'unknown');
  try {
    writeFileSync(owner, String(process.pid));
    return unlock;
  } catch (error) {
    unlock();
    throw error;
  }
}
