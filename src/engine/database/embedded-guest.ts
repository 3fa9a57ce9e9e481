// The embedded database for whoever needs it for a moment: its own server while nobody serves, else the one that runs.
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NAME } from './embedded-cluster.js';
import { DataDirInUseError, fileFailure } from './embedded-errors.js';
import { CLUSTER, NOTE } from './embedded-place.js';
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded-postgres.js';
import { readPostmasterFile } from './embedded-server.js';
import { signIn } from './embedded-sign-in.js';

/** ms that an owner which is just starting, or just ending, is waited for. */
const PATIENCE_MS = 20_000;
const POLL_MS = 100;

/** Whether the embedded database has been made in `dataDir`. */
export function hasEmbeddedPostgres(dataDir: string): boolean {
  return [CLUSTER, NOTE].some((name) => existsSync(join(dataDir, name)));
}

/** As `startEmbeddedPostgres`, but shares the server of a Tidings that owns the folder; `stop` leaves that one alone. */
export async function visitEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await startEmbeddedPostgres(options);
    } catch (error) {
      if (!(error instanceof DataDirInUseError)) throw error;
      const url = await runningServer(options.dataDir);
      if (url) return { url, adopted: false, stop: () => Promise.resolve() };
      if (Date.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}

/** Address of the server that runs for `folder`; undefined: none that is ready and knows our password. Changes nothing. */
async function runningServer(folder: string): Promise<string | undefined> {
  try {
    const dataDir = await realpath(resolve(folder));
    const noted = /^\/.*$/m.exec(await textOf(join(dataDir, NOTE)))?.[0];
    const server = readPostmasterFile(join(noted ?? dataDir, CLUSTER));
    const password = (await textOf(join(dataDir, 'postgres.password'))).trim();
    if (!server?.ready || password === '') return undefined;
    const answer = await signIn(server.port, NAME, NAME, password);
    return answer === 'ok' ? `postgresql://${NAME}:${password}@127.0.0.1:${server.port}/${NAME}` : undefined;
  } catch (error) {
    throw fileFailure(error, folder);
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
