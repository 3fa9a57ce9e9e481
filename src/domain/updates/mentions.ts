// Mentions: `@` and the name of a member, in any case. Names of others mean nothing, and look like it.
import type { EntityManager } from '@mikro-orm/postgresql';

/** Accounts that one text can mention; those behind them are not notified. */
export const MAX_MENTIONS = 20;
/** `@` that are looked at in one text: work is bounded whatever is sent. */
const MAX_TRIED = 200;

interface NamedMember {
  readonly id: string;
  readonly name: string;
}

const WORD = /[\p{L}\p{M}\p{N}_]/u;
const ENDS_IN_WORD = /[\p{L}\p{M}\p{N}_]$/u;

/**
 * Ids of the members of the project whom `text` mentions and `before` did not, in the order of the text, at most
 * {@link MAX_MENTIONS}. Without an `@` it costs no statement.
 */
export async function mentionedMembers(
  em: EntityManager,
  projectId: string,
  text: string,
  before = '',
): Promise<readonly string[]> {
  if (!text.includes('@')) return [];
  const sql = `select account.id, account.name from project_member member join account on account.id = member.account_id
                where member.project_id = ?`;
  const members = await em.execute<NamedMember[]>(sql, [projectId]);
  const known = new Set(before.includes('@') ? findMentions(before, members) : []);
  return findMentions(text, members)
    .filter((id) => !known.has(id))
    .slice(0, MAX_MENTIONS);
}

/**
 * Ids of those of `members` whose names stand behind an `@` in `text`. The longest name that fits and is followed by no further
 * letter, digit or underscore wins; who share it are all meant. An `@` within a word, as in a mail address, mentions nobody.
 */
export function findMentions(text: string, members: readonly NamedMember[]): readonly string[] {
  const byName = Map.groupBy(members, ({ name }) => folded(name));
  const lengths = [...new Set([...byName.keys()].map((name) => name.length))].toSorted((a, b) => b - a);
  const all = folded(text);
  const found = new Set<string>();
  let at = 0;
  for (let tried = 0; tried < MAX_TRIED; tried += 1) {
    at = all.indexOf('@', at) + 1;
    if (at === 0) break;
    if (ENDS_IN_WORD.test(all.slice(Math.max(at - 3, 0), at - 1))) continue;
    const from = at;
    const length = lengths.find((one) => byName.has(all.slice(from, from + one)) && !isWordAt(all, from + one));
    if (length === undefined) continue;
    for (const { id } of byName.get(all.slice(from, from + length)) ?? []) found.add(id);
    at += length;
  }
  return [...found];
}

/** Capitals compare better than small letters: they do not depend on what stands beside them, as a final sigma does. */
function folded(text: string): string {
  return text.normalize('NFC').toUpperCase().normalize('NFC');
}

function isWordAt(text: string, at: number): boolean {
  const next = text.codePointAt(at);
  return next !== undefined && WORD.test(String.fromCodePoint(next));
}
