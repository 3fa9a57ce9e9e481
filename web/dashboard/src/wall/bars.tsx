// Bar chart of posts on each of the last 30 days: updates dark, comments light above them.
import { memo, type ReactNode } from 'react';
import { serviceNow } from '../../../shared/clock.js';
import styles from './bars.module.css';
import type { Card } from './wall-data.js';

const DAYS = 30;
const DAY = 86_400_000;
/** Width of a bar, and the gap between bars, in SVG units. */
const WIDTH = 4;
const GAP = 1;
const HEIGHT = 24;
/** Minimum number of posts for a bar of full height, so that a single post does not fill it. */
const MIN_FULL_HEIGHT = 4;

interface Heights {
  readonly updates: number;
  readonly comments: number;
}

/** Heights for the last 30 days in UTC, today last. */
export function lastDays(activity: Card['activity'], now: number): readonly Heights[] {
  const today = Math.floor(now / DAY);
  const byDay = new Map(activity.map(({ date, ...posted }) => [Math.floor(Date.parse(date) / DAY), posted]));
  return Array.from({ length: DAYS }, (_, at) => byDay.get(today - DAYS + 1 + at) ?? { updates: 0, comments: 0 });
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

export const Bars = memo(function Bars({ activity }: { readonly activity: Card['activity'] }): ReactNode {
  const days = lastDays(activity, serviceNow());
  const most = Math.max(MIN_FULL_HEIGHT, ...days.map(({ updates, comments }) => updates + comments));
  const scale = (posts: number): number => (posts * HEIGHT) / most;
  const bar = (at: number, from: number, posts: number): string =>
    posts === 0 ? '' : `M${at * (WIDTH + GAP)} ${HEIGHT - scale(from)}v${-scale(posts)}h${WIDTH}v${scale(posts)}z`;
  const sum = (name: keyof Heights): number => days.reduce((all, day) => all + day[name], 0);
  const label = `${count(sum('updates'), 'update')} and ${count(sum('comments'), 'comment')} in 30 days`;
  return (
    <svg
      className={styles.bars}
      viewBox={`0 0 ${DAYS * (WIDTH + GAP) - GAP} ${HEIGHT + 1}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      <path
        className={styles.comments}
        d={days.map(({ updates, comments }, at) => bar(at, updates, comments)).join('')}
      />
      <path className={styles.updates} d={days.map(({ updates }, at) => bar(at, 0, updates)).join('')} />
      <path className={styles.line} d={`M0 ${HEIGHT + 0.5}H${DAYS * (WIDTH + GAP) - GAP}`} />
    </svg>
  );
});
