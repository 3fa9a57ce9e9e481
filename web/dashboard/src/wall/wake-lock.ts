import { useEffect, useState } from 'react';

/** Keeps the screen awake if the browser supports it. Returns a status sentence for the person who sets up the screen. */
export function useWakeLock(): string {
  const [words, setWords] = useState('');
  useEffect(() => {
    if (!('wakeLock' in navigator)) {
      setWords(
        isSecureContext
          ? 'This browser cannot keep the screen awake: set that in the system.'
          : 'The screen may fall asleep: browsers keep it awake over HTTPS only. Set that in the system.',
      );
      return undefined;
    }
    let lock: WakeLockSentinel | undefined;
    let isOver = false;
    const ask = async (): Promise<void> => {
      if (document.hidden || isOver || (lock && !lock.released)) return;
      try {
        lock = await navigator.wakeLock.request('screen');
        if (isOver) return void lock.release();
        setWords('The screen is kept awake.');
        lock.addEventListener('release', () => setWords('The screen may fall asleep.'));
      } catch {
        // Refused because of a low battery or a browser setting.
        setWords('The screen may fall asleep: the system refuses to keep it awake.');
      }
    };
    void ask();
    const look = (): void => void ask();
    document.addEventListener('visibilitychange', look);
    return () => {
      isOver = true;
      document.removeEventListener('visibilitychange', look);
      void lock?.release();
    };
  }, []);
  return words;
}
