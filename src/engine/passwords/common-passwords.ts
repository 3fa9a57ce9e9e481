// The most common passwords, from a library's list. Loaded on first use and kept as one text of 170 KB; the list itself is
// released.
import { createRequire } from 'node:module';

/** Shorter ones are refused by length. */
const SHORTEST = 8;

interface CommonList {
  readonly dictionary: { readonly 'passwords-common': string[] };
}

let known: string | undefined;

/** Whether `password` is one of them, case-insensitive. The first call takes about 50 ms. */
export function isCommonPassword(password: string): boolean {
  known ??= load();
  const wanted = password.normalize('NFC').toLowerCase();
  return !wanted.includes('\n') && known.includes(`\n${wanted}\n`);
}

function load(): string {
  const { dictionary } = createRequire(import.meta.url)('@zxcvbn-ts/language-common') as CommonList;
  const list = dictionary['passwords-common'];
  const long = list.filter((entry) => entry.length >= SHORTEST);
  // Copied through bytes: a joined text would retain all of its parts.
  const text = Buffer.from(`\n${long.join('\n').toLowerCase()}\n`).toString('utf8');
  // No other module reads it, and modules are never unloaded: reduces the heap from 3.4 to 1.6 MB.
  list.length = 0;
  return text;
}
