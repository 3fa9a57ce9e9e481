// Headline of the wall, such as "2 of 12 off track".
import type { ReactNode } from 'react';
import { HEALTH_WORDS, type Health, Shape } from '../../../shared/shapes.js';
import styles from './wall-headline.module.css';
import type { HealthCounts } from './wall-data.js';

export function headlineOf({ offTrack, atRisk, onTrack, unknown }: HealthCounts): {
  readonly text: string;
  readonly health: Health | null;
} {
  const all = offTrack + atRisk + onTrack + unknown;
  if (offTrack > 0) return { text: `${offTrack} of ${all} off track`, health: 'OFF_TRACK' };
  if (atRisk > 0) return { text: `${atRisk} of ${all} at risk`, health: 'AT_RISK' };
  if (onTrack === 0) return { text: 'No updates yet', health: null };
  if (unknown > 0) return { text: `${onTrack} of ${all} on track`, health: 'ON_TRACK' };
  return { text: all === 1 ? 'On track' : `All ${all} on track`, health: 'ON_TRACK' };
}

const ORDER = [
  ['OFF_TRACK', 'offTrack'],
  ['AT_RISK', 'atRisk'],
  ['ON_TRACK', 'onTrack'],
  [null, 'unknown'],
] as const;

export function WallHeadline({ counts }: { readonly counts: HealthCounts }): ReactNode {
  const { text, health } = headlineOf(counts);
  return (
    <div className={styles.verdict}>
      <h1 className={styles.head} aria-live="polite">
        <Shape health={health} />
        {text}
      </h1>
      <ul className={styles.counts}>
        {ORDER.map(
          ([kind, name]) =>
            kind !== health &&
            counts[name] > 0 && (
              <li key={name} className={styles.count}>
                <Shape health={kind} />
                {counts[name]} {HEALTH_WORDS[kind ?? 'NONE'].toLowerCase()}
              </li>
            ),
        )}
      </ul>
    </div>
  );
}
