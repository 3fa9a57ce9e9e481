// Mentions: `@` and the name of a member, in any case. Names of others mean nothing, and look like it.
import type { EntityManager } from '@mikro-orm/postgresql';
import { withoutCode } from './markdown-code.js';
import { beginsMention, closesEmphasis, emphasisOpenings, endsName, folded, isDomain } from './mention-text.js';

/** Accounts that one text can mention; those behind them are not notified. */
export const MAX_MENTIONS = 20;
/** `@` that are looked at in one text, and members of a project that can be mentioned: work is bounded whatever is sent. */
const MAX_ATTEMPTS = 200;
const MAX_MEMBERS = 10_000;

interface NamedMember {
  readonly id: string;
  readonly name: string;
}

// One by one: PostgreSQL might read all accounts there are for those of one project.
const MEMBERS = `
select account.id, account.name
  from project_member member cross join lateral (select id, name from account where account.id = member.account_id offset 0) account
 where member.project_id = ? order by member.id limit ?`;

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
  if (!hasAt(text)) return [];
  const names = new Names(await em.execute<NamedMember[]>(MEMBERS, [projectId, MAX_MEMBERS]));
  const known = new Set(hasAt(before) ? names.mentionedIn(before) : []);
  return names
    .mentionedIn(text)
    .filter((id) => !known.has(id))
    .slice(0, MAX_MENTIONS);
}

/**
 * Ids of those of `members` whose names stand behind an `@` in `text`. The longest name that fits and ends there wins; members of the
 * same name are all meant. An `@` within a word, as in a mail address, or in code mentions nobody.
 */
export function findMentions(text: string, members: readonly NamedMember[]): readonly string[] {
  return new Names(members).mentionedIn(text);
}

/** U+0040, U+FE6B and U+FF20, which is what Chinese and Japanese keyboards write. */
const hasAt = (text: string): boolean => /[@﹫＠]/.test(text);

class Names {
  private readonly ids: ReadonlyMap<string, readonly NamedMember[]>;
  /** Of names, the longest first: at most as many as a name has characters. */
  private readonly lengths: readonly number[];

  constructor(members: readonly NamedMember[]) {
    this.ids = Map.groupBy(members, ({ name }) => folded(name));
    this.lengths = [...new Set([...this.ids.keys()].map(({ length }) => length))].toSorted((a, b) => b - a);
  }

  mentionedIn(given: string): readonly string[] {
    const text = folded(withoutCode(given));
    const openings = emphasisOpenings(text);
    const found = new Set<string>();
    let at = text.indexOf('@');
    for (let attempt = 0; at >= 0 && attempt < MAX_ATTEMPTS; attempt += 1) {
      const name = beginsMention(text, at) ? this.nameAt(text, at + 1, isEmphasized(text, at, openings)) : undefined;
      for (const { id } of (name !== undefined && this.ids.get(name)) || []) found.add(id);
      at = text.indexOf('@', at + 1 + (name?.length ?? 0));
    }
    return [...found];
  }

  private nameAt(text: string, from: number, emphasized: boolean): string | undefined {
    for (const length of this.lengths) {
      const name = text.slice(from, from + length);
      const end = from + length;
      if (!this.ids.has(name) || !(endsName(text, end) || (emphasized && closesEmphasis(text, end)))) continue;
      // `王@example.com`: an `@` behind a letter may still be that of an address.
      return /[\p{L}\p{N}]@$/u.test(text.slice(Math.max(from - 3, 0), from)) && isDomain(text, end) ? undefined : name;
    }
    return undefined;
  }
}

/** Whether an emphasis of Markdown was opened by underscores before `at`, in the same paragraph. */
function isEmphasized(text: string, at: number, openings: readonly number[]): boolean {
  const paragraph = text.lastIndexOf('\n\n', at);
  const opening = openings.findLast((one) => one < at);
  return opening !== undefined && opening > paragraph;
}
