// Identifies the build of the service: equal at all instances with the same files, different after an upgrade.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

/** The HTML documents, which name all files of their build by hashes. */
const DOCUMENTS = ['web/dist/dashboard/index.html', 'web/dist/playground/index.html'];

let known: Promise<string> | undefined;

/** Computed on first use: a hash of the program's files and of the pages. */
export function build(): Promise<string> {
  return (known ??= hashOf(import.meta.dirname, dirname(findPackageJSON('..', import.meta.url)!)));
}

/** The build of the programs in `programs`, with the pages of the package in `root`. */
export async function hashOf(programs: string, root: string): Promise<string> {
  const hash = createHash('sha256');
  const files = (await readdir(programs)).filter((file) => file.endsWith('.js')).toSorted();
  for (const file of files) hash.update(`${file}\n`).update(await readFile(join(programs, file)));
  // Without built pages there are none to be outdated.
  for (const file of DOCUMENTS) hash.update(await readFile(join(root, file)).catch(() => ''));
  return hash.digest('base64url').slice(0, 16);
}
