// Mentions: `@` and the name of a member, case-insensitive. Other names are text, so nothing reveals which accounts exist.
import type { EntityManager } from '@mikro-orm/postgresql';
import { withoutCode } from './markdown-code.js';
import { beginsMention, closesEmphasis, emphasisOpenings, endsName, folded, isDomain } from './mention-text.js';

/** Accounts that one text, and all versions of it, can mention; further ones are not notified. */
export const MAX_MENTIONS = 20;
const MAX_MENTIONED = 200;
/** `@` signs examined in a text, and members of a project considered: bounds the work. */
const MAX_ATTEMPTS = 200;
const MAX_MEMBERS = 10_000;

interface NamedMember {
  readonly id: string;
  readonly name: string;
}

// One lookup each: PostgreSQL might otherwise read all accounts for those of one project.
const MEMBERS = `
select account.id, account.name
  from project_member member cross join lateral (select id, name from account where account.id = member.account_id offset 0) account
 where member.project_id = ? order by member.id limit ?`;

/** An earlier version of a text, and the accounts mentioned so far. */
export interface EarlierText {
  readonly text: string;
  readonly mentioned: readonly string[];
}

/** Accounts mentioned for the first time, in order, at most {@link MAX_MENTIONS}; and all mentioned so far. */
export interface Mentions {
  readonly fresh: readonly string[];
  readonly mentioned: string[];
}

/** The members of the project whom `text` mentions. Without an `@` it costs no statement. */
export async function mentionsIn(
  em: EntityManager,
  projectId: string,
  text: string,
  before: EarlierText = { text: '', mentioned: [] },
): Promise<Mentions> {
  if (!hasAt(text) && !hasAt(before.text)) return { fresh: [], mentioned: [...before.mentioned] };
  const names = new Names(await em.execute<NamedMember[]>(MEMBERS, [projectId, MAX_MEMBERS]));
  // Texts from before mentions were stored: derived from the text.
  const known = new Set([...before.mentioned, ...names.mentionedIn(before.text)]);
  const fresh = names
    .mentionedIn(text)
    .filter((id) => !known.has(id))
    .slice(0, Math.min(MAX_MENTIONS, Math.max(MAX_MENTIONED - known.size, 0)));
  return { fresh, mentioned: [...known, ...fresh].slice(0, MAX_MENTIONED) };
}

/**
 * Ids of those of `members` whose names follow an `@` in `text`. The longest complete name wins, for all members with that name. An `@`
 * within a word, as in an e-mail address, or in code mentions nobody.
 */
export function findMentions(text: string, members: readonly NamedMember[]): readonly string[] {
  return new Names(members).mentionedIn(text);
}

/** U+0040, and U+FE6B and U+FF20 of Chinese and Japanese keyboards. */
const hasAt = (text: string): boolean => /[@﹫＠]/.test(text);

class Names {
  private readonly ids: ReadonlyMap<string, readonly NamedMember[]>;
  /** Lengths of names, longest first: at most as many as a name has characters. */
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
      // `王@example.com`: an `@` after a letter may still belong to an address.
      return /[\p{L}\p{N}]@$/u.test(text.slice(Math.max(from - 3, 0), from)) && isDomain(text, end) ? undefined : name;
    }
    return undefined;
  }
}

/** Whether underscores before `at` opened Markdown emphasis in the same paragraph. */
function isEmphasized(text: string, at: number, openings: readonly number[]): boolean {
  const paragraph = text.lastIndexOf('\n\n', at);
  const opening = openings.findLast((one) => one < at);
  return opening !== undefined && opening > paragraph;
}
