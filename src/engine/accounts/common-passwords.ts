// The passwords that attackers try first, from a library's list. Loaded when it is first asked for, and kept as one text of
// 170 KB: the list itself, and what it was unpacked from, are let go.
import { createRequire } from 'node:module';

/** Shorter ones are refused for their length. */
const SHORTEST = 8;

interface CommonList {
  readonly dictionary: { readonly 'passwords-common': string[] };
}

let known: string | undefined;

/** Whether `password` is one of those, in whatever case. The first call takes about 50 ms. */
export function isCommonPassword(password: string): boolean {
  known ??= load();
  const wanted = password.normalize('NFC').toLowerCase();
  return !wanted.includes('\n') && known.includes(`\n${wanted}\n`);
}

function load(): string {
  const { dictionary } = createRequire(import.meta.url)('@zxcvbn-ts/language-common') as CommonList;
  const list = dictionary['passwords-common'];
  const long = list.filter((entry) => entry.length >= SHORTEST);
  // Copied through bytes: a joined text would hold on to all of its parts.
  const text = Buffer.from(`\n${long.join('\n').toLowerCase()}\n`).toString('utf8');
  // Nobody else reads it, and a module is never unloaded: 1.6 MB of heap stay instead of 3.4.
  list.length = 0;
  return text;
}
