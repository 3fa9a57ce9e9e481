// Status badge: whether the page is connected, and as of when its data is complete.
import type { ReactNode } from 'react';
import styles from './badge.module.css';
import { exactText, timeText } from './clock.js';
import type { Freshness, FreshnessState } from './freshness.js';

const WORDS: Readonly<Record<FreshnessState, string>> = {
  live: 'Live',
  'catching-up': 'Catching up',
  connecting: 'Connecting',
  reconnecting: 'Reconnecting',
  offline: 'Offline',
};

export function Badge({ freshness }: { readonly freshness: Freshness }): ReactNode {
  const { state, asOf } = freshness;
  const isConnected = state === 'live' || state === 'catching-up';
  return (
    <p
      className={styles.badge}
      role="status"
      data-state={state}
      title={asOf === undefined ? undefined : `Complete as of ${exactText(asOf)}`}
    >
      <svg className={styles.dot} viewBox="0 0 8 8" aria-hidden="true">
        {isConnected ? <circle cx="4" cy="4" r="4" /> : <circle cx="4" cy="4" r="3" fill="none" strokeWidth="2" />}
      </svg>
      <span>
        {WORDS[state]}
        {!isConnected && asOf !== undefined && <span className={styles.detail}>. Current as of {timeText(asOf)}</span>}
      </span>
    </p>
  );
}
