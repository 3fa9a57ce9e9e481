// Start page: all projects, live, worst health first.
import { getRouteApi } from '@tanstack/react-router';
import { useSession } from '@tidings/client/react';
import { type ReactNode, useEffect } from 'react';
import { readServiceClock } from '../../../shared/clock.js';
import { useFreshness } from '../../../shared/freshness.js';
import { MessagesProvider, useTell } from '../frame/messages.js';
import { tidings } from '../tidings.js';
import { useTitle } from '../title.js';
import { Desk } from './desk.js';
import { Kiosk } from './kiosk.js';
import { verdictOf } from './verdict.js';
import { useGone } from './gone.js';
import { useWallData } from './wall-data.js';

const ROUTE = getRouteApi('/');
/** ms between comparisons with the clock of the service. */
const DRIFT = 600_000;

function useServiceClock(): void {
  useEffect(() => {
    const life = new AbortController();
    // On failure the local clock is used.
    const read = (): void => void readServiceClock(tidings, life.signal).catch(() => {});
    read();
    const timer = setInterval(read, DRIFT);
    return () => {
      life.abort();
      clearInterval(timer);
    };
  }, []);
}

function Wall(): ReactNode {
  const { kiosk } = ROUTE.useSearch();
  const data = useWallData();
  const freshness = useFreshness(data.loadedAt);
  const tell = useTell();
  const session = useSession();
  const isAdmin = session.status === 'signed-in' && session.account.role === 'ADMIN';
  useServiceClock();
  useTitle(data.projects ? verdictOf(data.counts).text : '');
  useGone(data.projects, (name) => tell(isAdmin ? `${name} was deleted.` : `You no longer have access to ${name}.`));
  const Shown = kiosk === undefined ? Desk : Kiosk;
  return <Shown data={data} freshness={freshness} />;
}

export default function WallPage(): ReactNode {
  return (
    <MessagesProvider>
      <Wall />
    </MessagesProvider>
  );
}
