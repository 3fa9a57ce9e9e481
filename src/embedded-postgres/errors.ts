// Failures of the embedded database, explained to the operator: what is wrong, where, and what to do.
import { statfsSync } from 'node:fs';

/** A failure that the operator can act on. The message holds no secret. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

/** Another running process owns the folder. */
export class DataDirInUseError extends EmbeddedPostgresError {
  constructor(dataDir: string, pid: string) {
    super(
      `${dataDir} is in use by another Tidings (process ${pid}). Stop that one, or give this one its own folder with ` +
        `DATA_DIR (to run several instances on one database, set DATABASE_URL for all of them).`,
    );
  }
}

/** The remedy that always works. */
export const USE_YOUR_OWN = 'or set DATABASE_URL to a PostgreSQL of your own';

/** PostgreSQL cannot write its next WAL segment with less. */
const FULL_BELOW_BYTES = 16 * 1024 * 1024;

const DISK_FULL = /No space left on device|Disk quota exceeded/;

/** Turns the `output` of a failed `initdb` or server into an error about `folder`. */
export function serverFailure(what: string, folder: string, output: string): EmbeddedPostgresError {
  // With a full disk the server often cannot even write the line that says so.
  if (DISK_FULL.test(output) || (output.trim() === '' && isFull(folder))) return diskFull(folder, output);
  const lines = output.trimEnd().split('\n').slice(-15).join('\n  ');
  return new EmbeddedPostgresError(`${what} in ${folder}. Its last lines:\n  ${lines.trim() || '(none)'}`);
}

/** Turns a file system error in `folder` into an `EmbeddedPostgresError`; returns other errors unchanged. */
export function fileFailure(error: unknown, folder: string): unknown {
  const { code, path, dest } = (error ?? {}) as { code?: unknown; path?: string; dest?: string };
  const where = dest ?? path ?? folder;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(where, '');
    case 'EACCES':
    case 'EPERM':
    case 'EROFS': {
      const who = process.getuid ? ` (user id ${process.getuid()})` : '';
      return new EmbeddedPostgresError(
        `No permission to use ${where}${who}: ${code}. Give this user the folder, set DATA_DIR to one that it owns, ${USE_YOUR_OWN}.`,
        { cause: error },
      );
    }
    case 'EBUSY':
    case 'EXDEV':
      return new EmbeddedPostgresError(
        `${where} is a mounted volume, and cannot be replaced: mount the folder above it instead.`,
        { cause: error },
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new EmbeddedPostgresError(
        `${where} is in the way: a folder is needed there. Move it away, or set DATA_DIR to another folder.`,
        { cause: error },
      );
    default:
      return error;
  }
}

function diskFull(where: string, output: string): EmbeddedPostgresError {
  const line = output.split('\n').find((text) => DISK_FULL.test(text));
  return new EmbeddedPostgresError(
    `The disk is full: no space left for the embedded PostgreSQL at ${where}. Free some (a new database takes 60 MB), ` +
      `or set DATA_DIR to a folder on another disk.${line ? `\n  ${line.trim()}` : ''}`,
  );
}

function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < FULL_BELOW_BYTES;
  } catch {
    return false;
  }
}
