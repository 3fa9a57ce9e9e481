// The health of a project as a shape and a word, never as a colour alone.
import type { ReactNode } from 'react';
import styles from './shapes.module.css';

export type Health = 'ON_TRACK' | 'AT_RISK' | 'OFF_TRACK';

export const HEALTH_WORDS: Readonly<Record<Health | 'NONE', string>> = {
  OFF_TRACK: 'Off track',
  AT_RISK: 'At risk',
  ON_TRACK: 'On track',
  NONE: 'No update',
};

/** SVG shapes in 16 × 16: disc, triangle, octagon; a ring without an update. */
const SHAPES: Readonly<Record<Health | 'NONE', ReactNode>> = {
  ON_TRACK: <circle cx="8" cy="8" r="7" />,
  AT_RISK: <path d="M8 1.2 15.4 14.4H.6Z" />,
  OFF_TRACK: <path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1Z" />,
  NONE: <circle cx="8" cy="8" r="5.75" fill="none" stroke="currentColor" strokeWidth="2.5" />,
};

/** Decorative shape, hidden from screen readers: use it beside the word. */
export function Shape({ health }: { readonly health: Health | null }): ReactNode {
  return (
    <svg className={styles.shape} data-health={health ?? 'NONE'} viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[health ?? 'NONE']}
    </svg>
  );
}

/** Shape and word. */
export function HealthMark({ health }: { readonly health: Health | null }): ReactNode {
  return (
    <span className={styles.mark} data-health={health ?? 'NONE'}>
      <Shape health={health} />
      {HEALTH_WORDS[health ?? 'NONE']}
    </span>
  );
}
