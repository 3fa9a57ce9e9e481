// Identifies the build of the service: equal at all instances with the same files, different after an upgrade.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

let known: Promise<string> | undefined;

/** Computed on first use: a hash of the program's files and of `documents`, HTML files of the package that name all files of theirs by hashes. */
export function build(documents: readonly string[]): Promise<string> {
  return (known ??= hashOf(import.meta.dirname, dirname(findPackageJSON('..', import.meta.url)!), documents));
}

/** The build of the programs in `programs`, with `documents` of the package in `root`. */
export async function hashOf(programs: string, root: string, documents: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  const files = (await readdir(programs)).filter((file) => file.endsWith('.js')).toSorted();
  for (const file of files) hash.update(`${file}\n`).update(await readFile(join(programs, file)));
  // Without built pages there are none to be outdated.
  for (const file of documents) hash.update(await readFile(join(root, file)).catch(() => ''));
  return hash.digest('base64url').slice(0, 16);
}
