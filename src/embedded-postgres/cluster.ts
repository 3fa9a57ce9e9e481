// The folder of the database (PGDATA): whether it can be used, how it is made, how its password and database are restored.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Binaries } from './binaries.js';
import { EmbeddedPostgresError, serverFailure, USE_YOUR_OWN } from './errors.js';
import { type RunAs, runProgram } from './programs.js';
import { NAME } from './server.js';

/** A file in every cluster that we made. No other cluster is ever started, stopped or changed. */
const MARK = 'tidings.cluster';

/** The password of the cluster, made once: hex, so it needs no quoting. Only the owner of `dataDir` can read the file. */
export async function readPassword(dataDir: string): Promise<string> {
  const file = join(dataDir, 'postgres.password');
  const found = (await readFile(file, 'utf8').catch(ignoreMissing))?.trim();
  if (found && /^[0-9a-f]{64}$/.test(found)) return found;
  const made = randomBytes(32).toString('hex');
  await writeFile(`${file}.new`, made, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return made;
}

/** Whether the cluster in `dir` is one that we made. */
export function isOurs(dir: string): boolean {
  return existsSync(join(dir, MARK));
}

/** Whether there is a cluster that a server of this major version can use. Throws when there is something else. */
export async function hasCluster(dir: string, major: number): Promise<boolean> {
  const entries = await readdir(dir).catch(ignoreMissing);
  if (!entries?.length) return false;
  const missing = ['PG_VERSION', MARK].find((name) => !entries.includes(name));
  if (missing) {
    throw new EmbeddedPostgresError(
      `${dir} is not empty and not a database of Tidings (it has no ${missing}). Move it away, or set DATA_DIR to another folder.`,
    );
  }
  const version = (await readFile(join(dir, 'PG_VERSION'), 'utf8')).trim();
  if (version !== String(major)) {
    throw new EmbeddedPostgresError(
      `The database in ${dir} was made by PostgreSQL ${version}, the embedded one is ${major}. Use the Tidings that ` +
        `made it, if only to dump it; or set DATA_DIR to another folder, ${USE_YOUR_OWN}.`,
    );
  }
  await chmod(dir, 0o700); // PostgreSQL refuses a folder that others can enter, such as a plain copy
  return true;
}

/** Makes the cluster: all of it or nothing, because it appears by rename. */
export async function createCluster(
  dir: string,
  binaries: Binaries,
  password: string,
  sync: boolean,
  runAs?: RunAs,
): Promise<void> {
  // A new name each time: the initdb of a process that was killed may still write to the folder that it was given.
  const draft = await mkdtemp(`${dir}.new-`);
  try {
    const passwordFile = join(draft, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (runAs) for (const path of [draft, passwordFile]) await chown(path, runAs.uid, runAs.gid);
    const fresh = join(draft, 'data');
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const access = [`--username=${NAME}`, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    const args = ['-D', fresh, ...locale, ...access, '--no-instructions', ...(sync ? [] : ['--no-sync'])];
    const { code, output } = await runProgram(binaries.initdb, args, runAs);
    if (code !== 0) throw serverFailure('The embedded database could not be made', dir, output);
    await provision(fresh, binaries, password, runAs);
    await writeFile(join(fresh, MARK), 'Made by Tidings, for its embedded PostgreSQL.\n');
    await rename(fresh, dir);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Removes the drafts of processes that were killed in `createCluster`. An initdb that still runs in one fails and ends. */
export async function removeDrafts(dir: string): Promise<void> {
  for (const name of await readdir(dirname(dir))) {
    if (!name.startsWith(`${basename(dir)}.new`)) continue;
    await rm(join(dirname(dir), name), { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Sets the password of a stopped cluster and creates its database if it is missing. */
export async function provision(dir: string, binaries: Binaries, password: string, runAs?: RunAs): Promise<void> {
  // Single-user mode asks for no password, and takes one statement a line.
  const sql = `ALTER ROLE ${NAME} PASSWORD '${password}'\nCREATE DATABASE ${NAME}\n`;
  const args = ['--single', '-D', dir, '-c', 'log_min_error_statement=panic', 'postgres'];
  const { code, output } = await runProgram(binaries.postgres, args, runAs, sql);
  const failed = /(?:ERROR|FATAL|PANIC): {2}(?!database "\w{1,63}" already exists)/.test(output);
  if (code !== 0 || failed) throw serverFailure('The embedded database could not be set up', dir, output);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
