// The server's log: a file in the cluster's folder that cannot grow forever.
import { closeSync, constants, fchownSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** At a start a longer file is put aside as `server.log.1`; while running it is cut to nothing. */
const MOST_BYTES = 5 * 1024 * 1024;
const TOLD_BYTES = 64 * 1024;

export interface ServerLog {
  fd: number;
  /** What was written since it was opened. */
  written(): string;
  bound(): void;
  close(): void;
}

/** `server.log` in the cluster's folder, one former file kept beside it. Root follows no link in another user's folder. */
export async function openLog(clusterDir: string, owner: { uid: number; gid: number } | undefined): Promise<ServerLog> {
  const path = join(clusterDir, 'server.log');
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size > MOST_BYTES) await rename(path, `${path}.1`);
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  if (owner) fchownSync(fd, owner.uid, owner.gid);
  const from = fstatSync(fd).size;
  return {
    fd,
    written() {
      const buffer = Buffer.alloc(Math.min(fstatSync(fd).size - from, TOLD_BYTES));
      const start = Math.max(from, fstatSync(fd).size - buffer.length);
      return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, start)).toString('utf8');
    },
    bound() {
      if (fstatSync(fd).size > MOST_BYTES) ftruncateSync(fd, 0);
    },
    close: () => closeSync(fd),
  };
}
