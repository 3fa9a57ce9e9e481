// Which user the server runs as, and where its folder is. Only root has a choice: PostgreSQL refuses to run as root, and
// the user that it runs as instead often cannot enter root's folders.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { chmod, lstat, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EmbeddedPostgresError, USE_YOUR_OWN } from './embedded-errors.js';
import type { RunAs } from './embedded-program.js';
import { stopServerOf } from './embedded-survivor.js';

export interface Place {
  /** PGDATA; it may not exist yet, its parent does. */
  clusterDir: string;
  /** The folder outside `dataDir` that holds it, if it had to go there. */
  home?: string;
  runAs?: RunAs;
  /** Where a copy of the binaries may go. */
  copyRoot: string;
  /** Whether the server's user can run the programs under a `native` folder. */
  canRun: (nativeDir: string) => boolean;
}

/** The folder of the cluster, in the data folder or in the place that its note names. */
export const CLUSTER = 'postgres';
/** The file of a data folder that names the place of its cluster, when that had to go elsewhere. */
export const NOTE = 'postgres.location';
/** Where root puts what its own folders hide from the server's user. */
const SYSTEM_ROOTS = ['/var/lib/tidings', '/var/tmp/tidings'];
const PREFERRED_USERS = ['postgres', '_postgres', 'nobody', 'daemon'];
const CAN_RUN = 'cd -- "$1" && test -x bin/postgres && test -r share/postgresql/postgres.bki';

/** Finds the place for `dataDir` (a real path that exists). The caller owns `dataDir`, see `claimDataDir`. */
export async function findPlace(dataDir: string, log: (line: string) => void): Promise<Place> {
  const inPlace = await realpath(join(dataDir, CLUSTER)).catch(() => join(dataDir, CLUSTER));
  if (process.getuid?.() !== 0) return { clusterDir: inPlace, copyRoot: dataDir, canRun: canRunOurselves };

  const note = join(dataDir, NOTE);
  const line = (await readFile(note, 'utf8').catch(() => '')).split('\n', 1)[0] ?? '';
  const noted = SYSTEM_ROOTS.includes(dirname(line)) ? line : ''; // whatever else it says is not from us
  // The user that made an existing cluster goes on: another one may have been installed since.
  const runAs = (await ownerOf(noted ? join(noted, CLUSTER) : inPlace)) ?? (await unprivilegedUser());
  const canRun = (nativeDir: string) => can(runAs, CAN_RUN, nativeDir);
  if (!noted && can(runAs, 'cd -- "$1"', dirname(inPlace))) {
    return { clusterDir: inPlace, runAs, copyRoot: dirname(inPlace), canRun };
  }
  if (!noted && existsSync(join(inPlace, 'PG_VERSION'))) {
    throw new EmbeddedPostgresError(
      `There is a database in ${inPlace}, but its user (id ${runAs.uid}) cannot enter a folder above it any more. ` +
        `Make the folders above it passable (chmod o+x), or start as the user that owns it.`,
    );
  }
  const home = await relocatedHome(dataDir, noted, await systemRoot(runAs), log);
  await writeFile(
    note,
    `${home}\n\nThe database of this folder is there: PostgreSQL does not run as root, and the user that it runs as\n` +
      `(id ${runAs.uid}) cannot enter this folder. Remove this file to start with an empty database.\n`,
  );
  if (!noted) log(`user id ${runAs.uid}, which runs PostgreSQL, cannot enter ${dataDir}: the database is in ${home}`);
  return { clusterDir: join(home, CLUSTER), home, runAs, copyRoot: dirname(home), canRun };
}

/** The folder outside `dataDir` that belongs to it: the same at every start, never that of a folder now gone. */
async function relocatedHome(
  dataDir: string,
  noted: string,
  root: string,
  log: (line: string) => void,
): Promise<string> {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  if (basename(noted) === name && existsSync(noted)) return noted;
  const home = join(root, name);
  if (existsSync(join(home, CLUSTER))) {
    // The data folder was removed, which is how one starts over, and is here again: keep the former data once.
    await stopServerOf(join(home, CLUSTER));
    await rm(`${home}.former`, { recursive: true, force: true });
    await rename(home, `${home}.former`);
    log(`${dataDir} is new: a former database of that name is kept in ${home}.former`);
  }
  const former = noted ? await readFile(join(noted, 'data-dir'), 'utf8').catch(() => undefined) : undefined;
  if (former !== undefined && !existsSync(join(former, NOTE))) {
    await stopServerOf(join(noted, CLUSTER));
    await rm(home, { recursive: true, force: true });
    await rename(noted, home);
    log(`${former} is now ${dataDir}: its database moved along, to ${home}`);
  } else if (noted) {
    log(`${dataDir} is a copy, or its database in ${noted} was removed: it starts with an empty one`);
  }
  await mkdir(home, { recursive: true });
  await chmod(home, 0o711);
  await writeFile(join(home, 'data-dir'), dataDir);
  return home;
}

/** A folder of root's that everyone may enter and only root may change. */
async function systemRoot(runAs: RunAs): Promise<string> {
  for (const root of SYSTEM_ROOTS) {
    try {
      await mkdir(root, { recursive: true });
      const found = await lstat(root);
      if (!found.isDirectory() || found.uid !== 0) continue; // /var/tmp is everyone's: never trust what was put there
      await chmod(root, 0o755);
      if (can(runAs, 'cd -- "$1"', root)) return root;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
    }
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and there is no folder that user id ${runAs.uid} could use instead (tried ` +
      `${SYSTEM_ROOTS.join(', ')}). Start as an ordinary user, or set DATA_DIR to a folder that everyone can enter, ${USE_YOUR_OWN}.`,
  );
}

async function ownerOf(folder: string): Promise<RunAs | undefined> {
  const found = await stat(folder).catch(() => undefined);
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined;
}

/** initdb wants a user with a name, so one of /etc/passwd. */
async function unprivilegedUser(): Promise<RunAs> {
  const users = (await readFile('/etc/passwd', 'utf8').catch(() => ''))
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }))
    .filter(({ uid }) => uid > 0);
  const user =
    PREFERRED_USERS.map((name) => users.find((candidate) => candidate.name === name)).find(Boolean) ?? users[0];
  if (user) return { uid: user.uid, gid: user.gid };
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and /etc/passwd has no other user. Start as one, add one, ${USE_YOUR_OWN}.`,
  );
}

/** Asks the system itself, with the rights of `runAs`, rather than guessing from modes. */
function can(runAs: RunAs, script: string, folder: string): boolean {
  const env = { PATH: '/usr/bin:/bin' };
  return spawnSync('/bin/sh', ['-c', script, 'sh', folder], { ...runAs, env, cwd: '/', stdio: 'ignore' }).status === 0;
}

function canRunOurselves(nativeDir: string): boolean {
  try {
    accessSync(join(nativeDir, 'bin', 'postgres'), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
