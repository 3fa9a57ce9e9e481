import type { ReactNode } from 'react';
import styles from './avatars.module.css';

export interface Person {
  readonly id: string;
  readonly name: string;
}

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' });
const firstOf = (word: string): string => segments.segment(word)[Symbol.iterator]().next().value?.segment ?? '';

/** "AL" of "Ada King Lovelace". */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/u);
  return [words[0]!, ...(words.length > 1 ? [words.at(-1)!] : [])].map(firstOf).join('').toUpperCase();
}

export function Avatar({ person }: { readonly person: Person }): ReactNode {
  return (
    <span className={styles.avatar} title={person.name} aria-hidden="true">
      <span className={styles.initials}>{initialsOf(person.name)}</span>
    </span>
  );
}

/** Avatars of the first three people who are watching, and the number of the others. */
export function Avatars({
  people,
  count,
  most = 3,
}: {
  readonly people: readonly Person[];
  /** Total number; `people` may be only the first of them. */
  readonly count: number;
  readonly most?: number;
}): ReactNode {
  if (count === 0) return null;
  const shown = people.slice(0, most);
  const names = shown.map(({ name }) => name).join(', ');
  const others = count - shown.length;
  return (
    <span
      className={styles.avatars}
      role="img"
      aria-label={`Watching: ${names}${others > 0 ? ` and ${others} more` : ''}`}
    >
      {shown.map((person) => (
        <Avatar key={person.id} person={person} />
      ))}
      {others > 0 && (
        <span className={styles.more} aria-hidden="true">
          +{others}
        </span>
      )}
    </span>
  );
}
