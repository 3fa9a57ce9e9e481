// Controls of a wall screen. Visible while somebody moves the pointer, touches the screen or presses keys.
import { type ReactNode, useEffect, useState } from 'react';
import { controls } from '../../../shared/controls.js';
import styles from './kiosk-controls.module.css';
import { useWakeLock } from './wake-lock.js';

/** ms after which the controls disappear. */
const SHOWN_MS = 4_000;

function useIsAttended(): boolean {
  const [isAttended, setAttended] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const attend = (): void => {
      setAttended(true);
      clearTimeout(timer);
      timer = setTimeout(() => setAttended(false), SHOWN_MS);
    };
    attend();
    const events = ['pointermove', 'pointerdown', 'keydown', 'focusin'] as const;
    for (const name of events) document.addEventListener(name, attend);
    return () => {
      clearTimeout(timer);
      for (const name of events) document.removeEventListener(name, attend);
    };
  }, []);
  return isAttended;
}

function useIsFullScreen(): boolean {
  const [isFull, setFull] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const look = (): void => setFull(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', look);
    return () => document.removeEventListener('fullscreenchange', look);
  }, []);
  return isFull;
}

function toggleFullScreen(): void {
  // Browsers reject this without a user gesture; then nothing changes.
  void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(
    () => {},
  );
}

export function KioskControls<Metres extends number>({
  distance,
  distances,
  onDistance,
  onLeave,
}: {
  readonly distance: Metres;
  readonly distances: readonly Metres[];
  readonly onDistance: (metres: Metres) => void;
  readonly onLeave: () => void;
}): ReactNode {
  const isAttended = useIsAttended();
  const isFull = useIsFullScreen();
  const sleep = useWakeLock();
  useEffect(() => {
    document.documentElement.style.cursor = isAttended ? '' : 'none';
    return () => {
      document.documentElement.style.cursor = '';
    };
  }, [isAttended]);
  return (
    <section className={styles.controls} aria-label="This screen" data-attended={isAttended}>
      <fieldset className={styles.distances}>
        <legend className={styles.legend}>Read from</legend>
        {distances.map((metres) => (
          <label key={metres} className={styles.choice}>
            <input type="radio" name="distance" checked={metres === distance} onChange={() => onDistance(metres)} />
            {metres} m
          </label>
        ))}
      </fieldset>
      {document.fullscreenEnabled ? (
        <button className={controls.button} onClick={toggleFullScreen}>
          {isFull ? 'Leave full screen' : 'Full screen'}
        </button>
      ) : (
        <p className={controls.hint}>This browser does not support full screen.</p>
      )}
      <button className={controls.button} onClick={onLeave}>
        Leave the wall
      </button>
      <p className={controls.hint}>{sleep}</p>
    </section>
  );
}
