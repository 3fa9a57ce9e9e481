// Which user runs the server, and where its folder is. For root only: PostgreSQL refuses to run as root, and another user
// often cannot enter root's folders.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EmbeddedPostgresError, USE_YOUR_OWN } from './errors.js';
import type { RunAs } from './programs.js';
import { stopLeftServer } from './server.js';

export interface ClusterLocation {
  /** PGDATA; it may not exist yet, its parent does. */
  clusterDir: string;
  /** The folder outside `dataDir` that holds it, if it is there. */
  home?: string;
  runAs?: RunAs;
  /** Where a copy of the binaries may go. */
  copyRoot: string;
  /** Whether the server's user can run the programs in a `native` folder. */
  canRun: (nativeDir: string) => boolean;
}

type Log = (line: string) => void;

/** The folder of the cluster, in the data folder or in its home. */
export const CLUSTER = 'postgres';
/** The file in a data folder that names the home of its cluster, if that is elsewhere. */
export const NOTE = 'postgres.location';
/** Where root keeps clusters that cannot be in their data folder. */
const SYSTEM_ROOT = '/var/lib/tidings';
/** Earlier versions used the second one where the first could not be made. */
const NOTED_ROOTS = new Set([SYSTEM_ROOT, '/var/tmp/tidings']);
const PREFERRED_USERS = ['postgres', '_postgres', 'nobody', 'daemon'];
const CAN_ENTER = 'cd -- "$1"';
const CAN_RUN = `${CAN_ENTER} && test -x bin/postgres && test -r share/postgresql/postgres.bki`;

/** The home that the note of `dataDir` names; undefined: the cluster is in `dataDir`. */
export function homeOf(dataDir: string): string | undefined {
  const note = join(dataDir, NOTE);
  const home = existsSync(note) ? readFileSync(note, 'utf8').split('\n', 1)[0]! : '';
  return NOTED_ROOTS.has(dirname(home)) ? home : undefined; // others are not ours
}

/** Finds the place for `dataDir`, a real path that exists. The caller owns `dataDir`, see `lockDataDir`. */
export async function locateCluster(dataDir: string, log: Log): Promise<ClusterLocation> {
  const inPlace = await realpath(join(dataDir, CLUSTER)).catch(() => join(dataDir, CLUSTER));
  if (process.getuid?.() !== 0)
    return { clusterDir: inPlace, copyRoot: dataDir, canRun: (nativeDir) => can(undefined, CAN_RUN, nativeDir) };

  const noted = homeOf(dataDir);
  // The user that made an existing cluster keeps it, even if a preferred one was added since.
  const runAs = (await ownerOf(noted ? join(noted, CLUSTER) : inPlace)) ?? (await unprivilegedUser());
  const canRun = (nativeDir: string) => can(runAs, CAN_RUN, nativeDir);
  if (!noted && can(runAs, CAN_ENTER, dirname(inPlace)))
    return { clusterDir: inPlace, runAs, copyRoot: dirname(inPlace), canRun };
  if (!noted && existsSync(join(inPlace, 'PG_VERSION'))) {
    throw new EmbeddedPostgresError(
      `There is a database in ${inPlace}, but its user (id ${runAs.uid}) can no longer enter a folder above it. ` +
        `Make the folders above it passable (chmod o+x), or start as the user that owns it.`,
    );
  }
  await mkdir(SYSTEM_ROOT, { recursive: true });
  await chmod(SYSTEM_ROOT, 0o755);
  if (!can(runAs, CAN_ENTER, SYSTEM_ROOT)) {
    throw new EmbeddedPostgresError(
      `PostgreSQL does not run as root, and user id ${runAs.uid} can enter neither ${dataDir} nor ${SYSTEM_ROOT}. ` +
        `Start as an ordinary user, or set DATA_DIR to a folder that everyone can enter, ${USE_YOUR_OWN}.`,
    );
  }
  const home = await prepareHome(dataDir, noted, log);
  await writeFile(
    join(dataDir, NOTE),
    `${home}\n\nThe database of this folder is there: PostgreSQL does not run as root, and its user\n` +
      `(id ${runAs.uid}) cannot enter this folder. Remove this file to start with an empty database.\n`,
  );
  if (!noted) log(`user id ${runAs.uid}, which runs PostgreSQL, cannot enter ${dataDir}: the database is in ${home}`);
  return { clusterDir: join(home, CLUSTER), home, runAs, copyRoot: SYSTEM_ROOT, canRun };
}

/** The home that belongs to `dataDir`: the same at every start, and never that of a removed folder with the same path. */
async function prepareHome(dataDir: string, noted: string | undefined, log: Log): Promise<string> {
  const home = join(SYSTEM_ROOT, createHash('sha256').update(dataDir).digest('hex').slice(0, 16));
  if (noted && basename(noted) === basename(home) && existsSync(noted)) return noted;
  if (existsSync(join(home, CLUSTER))) {
    // The data folder was removed, which is how one starts over, and made again: keep the former data once.
    await stopLeftServer(join(home, CLUSTER));
    await rm(`${home}.former`, { recursive: true, force: true });
    await rename(home, `${home}.former`);
    log(`${dataDir} is new: a former database of that name is kept in ${home}.former`);
  }
  const former = noted && (await readFile(join(noted, 'data-dir'), 'utf8').catch(() => undefined));
  if (noted && former && !existsSync(join(former, NOTE))) {
    await stopLeftServer(join(noted, CLUSTER));
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

async function ownerOf(folder: string): Promise<RunAs | undefined> {
  const found = await stat(folder).catch(() => undefined);
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined;
}

/** A user of /etc/passwd, because initdb needs one with a name. */
async function unprivilegedUser(): Promise<RunAs> {
  const users = (await readFile('/etc/passwd', 'utf8').catch(() => ''))
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }))
    .filter(({ uid }) => uid > 0);
  const preferred = PREFERRED_USERS.map((name) => users.find((user) => user.name === name));
  const user = preferred.find(Boolean) ?? users[0];
  if (user) return { uid: user.uid, gid: user.gid };
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and /etc/passwd has no other user. Start as one, add one, ${USE_YOUR_OWN}.`,
  );
}

/** Runs `script` with the rights of `runAs`, which is more reliable than computing them from modes. */
function can(runAs: RunAs | undefined, script: string, folder: string): boolean {
  const env = { PATH: '/usr/bin:/bin' };
  return spawnSync('/bin/sh', ['-c', script, 'sh', folder], { ...runAs, env, cwd: '/', stdio: 'ignore' }).status === 0;
}
