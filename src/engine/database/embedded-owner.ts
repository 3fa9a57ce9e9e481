// The one living Tidings that owns a data folder.
import { randomUUID } from 'node:crypto';
import { existsSync, truncateSync } from 'node:fs';
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataDirInUseError } from './embedded-errors.js';
import { identify, isAlive, type ProcessIdentity } from './embedded-process.js';

const OWNER = /^postgres\.owner\.(\d+)$/;
const DRAFT = /^postgres\.owner\.(\d+)\..*\.tmp$/;

/**
 * Makes this process the owner of `dataDir`, until it dies or calls what is returned. Throws when a living one owns it.
 *
 * The owner is the file with the highest number. Taking over a dead one creates the next number, which only one process
 * can do (`link` fails when the name exists, and the file is complete when it appears); the highest is never removed, so
 * a slow process that creates an old number sees a higher one and steps back. Hence no moment with two owners.
 */
export async function claimDataDir(dataDir: string): Promise<() => void> {
  const me = identify(process.pid) ?? { pid: process.pid, started: '' };
  const draft = join(dataDir, `postgres.owner.${process.pid}.${randomUUID()}.tmp`);
  const file = (generation: number) => join(dataDir, `postgres.owner.${generation}`);
  const newest = async () => Math.max(0, ...(await readdir(dataDir)).map((name) => Number(OWNER.exec(name)?.[1] ?? 0)));
  await writeFile(draft, JSON.stringify(me), { flag: 'wx', mode: 0o644 });
  try {
    for (;;) {
      const last = await newest();
      const owner = last > 0 ? await readOwner(file(last)) : undefined;
      if (owner && isAlive(owner)) throw inUse(dataDir, owner.pid);
      const mine = last + 1;
      try {
        await link(draft, file(mine));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
        throw error;
      }
      if ((await newest()) !== mine) {
        await rm(file(mine), { force: true });
        continue;
      }
      await sweep(dataDir, mine);
      // Emptied, not removed: the number must keep counting. It needs no space on a full disk either.
      return () => {
        if (existsSync(file(mine))) truncateSync(file(mine), 0);
      };
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes what owners before number `mine`, and drafts of processes that died, have left. */
async function sweep(dataDir: string, mine: number): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const generation = OWNER.exec(name)?.[1];
    const drafter = DRAFT.exec(name)?.[1];
    const isPast = generation !== undefined && Number(generation) < mine;
    if (isPast || (drafter && !identify(Number(drafter)))) await rm(join(dataDir, name), { force: true });
  }
}

async function readOwner(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity;
  } catch (error) {
    // Empty: released. Gone: someone took over and cleared it away, which the caller's `link` finds out.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function inUse(dataDir: string, pid: number): DataDirInUseError {
  const who = pid === process.pid ? 'this process itself' : `another Tidings (process ${pid})`;
  return new DataDirInUseError(
    `${dataDir} is in use by ${who}. Stop that one, or give this one its own folder with DATA_DIR ` +
      `(to run several instances on one database, set DATABASE_URL for all of them).`,
  );
}
