// Which build of the service this is: equal on all instances that run the same files, another after an upgrade.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

let known: Promise<string> | undefined;

/** Found out once, when it is first asked for: a hash of the program's files. */
export function build(): Promise<string> {
  return (known ??= hashOf(import.meta.dirname));
}

async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.js')).toSorted();
  for (const file of files) hash.update(`${file}\n`).update(await readFile(join(folder, file)));
  return hash.digest('base64url').slice(0, 16);
}
