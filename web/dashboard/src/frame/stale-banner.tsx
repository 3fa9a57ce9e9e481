// Banner for outdated data.
import type { ReactNode } from 'react';
import { timeText } from '../../../shared/clock.js';
import type { Freshness } from '../../../shared/freshness.js';
import styles from './stale-banner.module.css';

export function StaleBanner({ freshness }: { readonly freshness: Freshness }): ReactNode {
  const { isStale, asOf, state } = freshness;
  // The live region must exist before its text, so that screen readers announce the text.
  return (
    <div role="alert">
      {isStale && asOf !== undefined && (
        <p className={styles.band}>
          <strong>As of {timeText(asOf)}.</strong>{' '}
          {state === 'offline'
            ? 'This device is offline.'
            : state === 'catching-up'
              ? 'Missed events are being loaded.'
              : 'Tidings cannot be reached at the moment.'}{' '}
          This page continues automatically.
        </p>
      )}
    </div>
  );
}
