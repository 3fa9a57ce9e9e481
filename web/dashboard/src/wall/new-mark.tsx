// Mark on updates younger than a minute. It fades in steps, since an animation on each card would make every frame expensive.
import { type ReactNode, useCallback, useSyncExternalStore } from 'react';
import { everyFewSeconds, serviceNow } from '../../../shared/clock.js';
import styles from './new-mark.module.css';

const FADE_MS = 60_000;
const STEPS = 12;

export function NewMark({ at }: { readonly at: string }): ReactNode {
  const step = useSyncExternalStore(
    everyFewSeconds,
    useCallback(
      () => Math.min(STEPS, Math.max(0, Math.floor(((serviceNow() - Date.parse(at)) / FADE_MS) * STEPS))),
      [at],
    ),
  );
  return step < STEPS ? (
    <span className={styles.mark} style={{ opacity: 1 - step / STEPS }}>
      New
    </span>
  ) : null;
}
