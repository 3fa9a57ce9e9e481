// The folder of the database (PGDATA): whether it can be used, how it is made, how it is made usable again.
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Binaries } from './embedded-binaries.js';
import { EmbeddedPostgresError, serverFailure, USE_YOUR_OWN } from './embedded-errors.js';
import { isAlive, type ProcessIdentity, signalGroup } from './embedded-process.js';
import { type RunAs, runProgram } from './embedded-program.js';

/** Both the superuser and the database have this name. */
export const NAME = 'tidings';

/** Tells, in the folder of an unfinished cluster, which process works on it. */
const PROCESS = 'process.json';

/** Stands in a cluster that we made: no other is ever started, stopped or changed by us. */
const MARK = 'tidings.cluster';

/** The password of the cluster, made once: hex, so it needs no quoting anywhere. Only the owner of `dataDir` reads it. */
export async function readPassword(dataDir: string): Promise<string> {
  const file = join(dataDir, 'postgres.password');
  const found = (await readFile(file, 'utf8').catch(ignoreMissing))?.trim();
  if (found && /^[0-9a-f]{64}$/.test(found)) return found;
  const made = randomBytes(32).toString('hex');
  await writeFile(`${file}.new`, made, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return made;
}

/** Whether there is a cluster that a server of this major version, run by this user, can use. Throws when there is a wrong one. */
export async function hasCluster(dir: string, major: number, runAs?: RunAs): Promise<boolean> {
  const folder = await stat(dir).catch(ignoreMissing);
  if (!folder) return false;
  if (!folder.isDirectory())
    throw new EmbeddedPostgresError(`${dir} is a file, the database needs a folder there. Move it away.`);
  const uid = runAs?.uid ?? process.getuid?.();
  const entries = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EACCES' || folder.uid === uid) throw error;
    return undefined; // told below, as a matter of the owner
  });
  if (entries?.length === 0) return false;
  const missing = entries && ['PG_VERSION', MARK].find((name) => !entries.includes(name));
  if (missing) {
    throw new EmbeddedPostgresError(
      `${dir} is not empty and not a database of Tidings (it has no ${missing}). Move it away, or set DATA_DIR to another folder.`,
    );
  }
  if (folder.uid !== uid || !entries) {
    throw new EmbeddedPostgresError(
      `The database in ${dir} belongs to another user (id ${folder.uid}; the server runs as ${uid}). ` +
        `Start as that user, give it away (chown -R ${uid} ${dir}), or set DATA_DIR to another folder.`,
    );
  }
  await checkVersion(dir, major);
  if (!(await stat(join(dir, 'global', 'pg_control')).catch(ignoreMissing)))
    throw broken(dir, 'global/pg_control is missing');
  // PostgreSQL refuses a folder that others can enter, which is what a plain copy of one is.
  if (folder.mode & 0o027) await chmod(dir, 0o700);
  return true;
}

async function checkVersion(dir: string, major: number): Promise<void> {
  const text = await readFile(join(dir, 'PG_VERSION'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw broken(dir, `PG_VERSION cannot be read: ${error.code}`);
  });
  const found = Number(text.trim());
  if (!Number.isInteger(found) || found <= 0) throw broken(dir, 'PG_VERSION holds no version');
  if (found === major) return;
  const age = found > major ? 'newer' : 'older';
  const way = found > major ? 'Use the Tidings that made it' : 'Dump it with the Tidings that made it';
  throw new EmbeddedPostgresError(
    `The database in ${dir} was made by PostgreSQL ${found}, ${age} than the embedded ${major}. ` +
      `${way}, set DATA_DIR to another folder, ${USE_YOUR_OWN}.`,
  );
}

function broken(dir: string, why: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The database in ${dir} is broken: ${why}. Restore the whole folder from a backup, or move it away to start with an empty one.`,
  );
}

/** Makes the cluster: all of it or nothing, because it appears by rename. */
export async function createCluster(
  dir: string,
  binaries: Binaries,
  password: string,
  sync: boolean,
  runAs?: RunAs,
): Promise<void> {
  const draft = `${dir}.new`;
  await mkdir(draft, { mode: 0o700 });
  try {
    const passwordFile = join(draft, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (runAs) for (const path of [draft, passwordFile]) await chown(path, runAs.uid, runAs.gid);
    const fresh = join(draft, 'data');
    const options = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const access = [`--username=${NAME}`, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    const rest = ['--no-instructions', ...(sync ? [] : ['--no-sync'])];
    const made = await runProgram(
      binaries.initdb,
      ['-D', fresh, ...options, ...access, ...rest],
      runAs,
      '',
      (started) => writeFile(join(draft, PROCESS), JSON.stringify(started)),
    );
    if (made.code !== 0) throw serverFailure('The embedded database could not be made', dir, made.output);
    await provision(fresh, binaries, password, runAs);
    await writeFile(join(fresh, MARK), 'Made by Tidings, for its embedded PostgreSQL.\n');
    await rename(fresh, dir);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Whether the cluster in `dir` is one that we made. */
export async function isOurs(dir: string): Promise<boolean> {
  return stat(join(dir, MARK)).then(
    () => true,
    () => false,
  );
}

/** Gives a stopped cluster the password and the database that it should have, whatever it has now. */
export async function provision(dir: string, binaries: Binaries, password: string, runAs?: RunAs): Promise<void> {
  // Single-user mode asks for no password. One statement a line; that the database exists already is no failure.
  const sql = `ALTER ROLE ${NAME} PASSWORD '${password}'\nCREATE DATABASE ${NAME}\n`;
  const quiet = ['-c', 'log_min_error_statement=panic'];
  const { code, output } = await runProgram(
    binaries.postgres,
    ['--single', '-D', dir, ...quiet, 'postgres'],
    runAs,
    sql,
  );
  const failed = /(?:ERROR|FATAL|PANIC): {2}(?!database "\w{1,63}" already exists)/.test(output);
  if (code !== 0 || failed) throw serverFailure('The embedded database could not be set up', dir, output);
}

/** Removes what a process that was killed while it made the cluster has left: half a folder, and perhaps a running initdb. */
export async function removeInterrupted(dir: string): Promise<void> {
  const draft = `${dir}.new`;
  const text = await readFile(join(draft, PROCESS), 'utf8').catch(() => '');
  const left = /^\{.*\}$/.test(text) ? (JSON.parse(text) as ProcessIdentity) : undefined;
  if (left && isAlive(left)) {
    signalGroup(left, 'SIGKILL'); // with its children
    while (isAlive(left)) await delay(10);
  }
  await rm(draft, { recursive: true, force: true, maxRetries: 5 });
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
