// What can go wrong with the embedded database, told to the person who has to mend it: what, where, what to do.
import { statfsSync } from 'node:fs';

/** A failure of the embedded PostgreSQL that its reader can act on. The message is safe to print: it holds no secret. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

/** A living Tidings owns the folder. */
export class DataDirInUseError extends EmbeddedPostgresError {}

/** The way out that always remains. */
export const USE_YOUR_OWN = 'or set DATABASE_URL to a PostgreSQL of your own';

/** Below this a PostgreSQL does not even write its next log segment (16 MiB). */
const FULL_BELOW_BYTES = 16 * 1024 * 1024;

const DISK_FULL = /No space left on device|Disk quota exceeded/;

/** Turns what `initdb` or the server said before it gave up (`output`) into an error about `folder`. */
export function serverFailure(what: string, folder: string, output: string): EmbeddedPostgresError {
  // With a full disk the server often cannot even write the line that says so: then look for ourselves.
  if (DISK_FULL.test(output) || (output.trim() === '' && isFull(folder))) return diskFull(folder, output);
  const lines = output.trimEnd().split('\n').slice(-15).join('\n  ');
  return new EmbeddedPostgresError(`${what} in ${folder}. Its last lines:\n  ${lines.trim() || '(none)'}`);
}

/** Turns a file system error met in or under `folder` into an actionable one; other errors pass as they are. */
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
        `No permission to write ${where}${who}: ${code}. Give this user the folder, set DATA_DIR to one that it owns, ${USE_YOUR_OWN}.`,
        { cause: error },
      );
    }
    case 'EBUSY':
    case 'EXDEV':
      return new EmbeddedPostgresError(
        `${where} is a mounted volume itself, and cannot be put in its place: mount the folder above it instead.`,
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
