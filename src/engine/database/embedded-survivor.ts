// A server that outlived the process that started it: finding it, judging whether it can be taken over, stopping it.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, stopProcess } from './embedded-process.js';
import { readPostmasterFile, type Server, serverArguments, type ServerOptions } from './embedded-server.js';

/** How long one that is still starting, or recovering from a crash, is waited for. */
const READY_MS = 120_000;
const POLL_MS = 10;

/** The living server of this cluster, if one outlived the process that started it, once it is ready. */
export async function findServer(clusterDir: string): Promise<Server | undefined> {
  const pid = readPostmasterFile(clusterDir)?.pid;
  const found = pid === undefined ? undefined : identify(pid);
  if (!found) return undefined; // a server that starts clears such a file away itself
  if (!isPostgresOf(found.pid, clusterDir)) {
    // The id was given to another process since; PostgreSQL would refuse to start for its sake.
    await rm(join(clusterDir, 'postmaster.pid'), { force: true });
    return undefined;
  }
  const deadline = Date.now() + READY_MS;
  while (isAlive(found) && Date.now() < deadline) {
    const file = readPostmasterFile(clusterDir);
    if (file?.ready) return { process: found, port: file.port, stop: () => stopProcess(found) };
    if (file && file.pid !== found.pid) break;
    await delay(POLL_MS);
  }
  await stopProcess(found);
  return undefined;
}

/** Whether `server` runs the same program with the same settings as one that we would start now. */
export function runsAs(server: Server, options: ServerOptions): boolean {
  const line = [options.postgres, ...serverArguments(options, server.port).map((word) => `"${word}"`)].join(' ');
  try {
    return readFileSync(join(options.clusterDir, 'postmaster.opts'), 'utf8').trim() === line;
  } catch {
    return false;
  }
}

/** Stops the living server of this cluster, if there is one. */
export async function stopServerOf(clusterDir: string): Promise<void> {
  const pid = readPostmasterFile(clusterDir)?.pid;
  const found = pid === undefined ? undefined : identify(pid);
  if (found && isPostgresOf(found.pid, clusterDir)) await stopProcess(found);
}

function isPostgresOf(pid: number, clusterDir: string): boolean {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).includes(
        `postgres -D ${clusterDir} `,
      );
    }
    const [cwd, folder] = [statSync(`/proc/${pid}/cwd`), statSync(clusterDir)];
    const isSame = cwd.ino === folder.ino && cwd.dev === folder.dev;
    return isSame && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres';
  } catch {
    return false;
  }
}
