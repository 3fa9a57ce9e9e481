import { useEffect, useState, useSyncExternalStore } from 'react';
import { type WallData, WallStore } from './wall-store.js';

export type { Card, HealthCounts, WallData } from './wall-store.js';

/** Data of the wall, live while the component is mounted. */
export function useWallData(): WallData {
  const [store] = useState(() => new WallStore());
  useEffect(() => {
    store.start();
    return () => store.stop();
  }, [store]);
  return useSyncExternalStore(store.subscribe, store.get);
}
