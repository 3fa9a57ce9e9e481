// Start page: all projects, live, worst health first.
import { getRouteApi } from '@tanstack/react-router';
import { useSession } from '@tidings/client/react';
import { type ReactNode, useEffect } from 'react';
import { readServiceClock } from '../../../shared/clock.js';
import { useFreshness } from '../../../shared/freshness.js';
import { MessagesProvider, useShowMessage } from '../frame/messages.js';
import { tidings } from '../tidings.js';
import { useTitle } from '../title.js';
import { Desk } from './desk.js';
import { Kiosk } from './kiosk.js';
import { headlineOf } from './wall-headline.js';
import { useRemovedProjects } from './removed-projects.js';
import { useWallData } from './wall-data.js';

const ROUTE = getRouteApi('/');
/** ms between comparisons with the clock of the service. */
const CLOCK_CHECK_MS = 600_000;

function useServiceClock(): void {
  useEffect(() => {
    const life = new AbortController();
    // On failure the local clock is used.
    const read = (): void => void readServiceClock(tidings, life.signal).catch(() => {});
    read();
    const timer = setInterval(read, CLOCK_CHECK_MS);
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
  const tell = useShowMessage();
  const session = useSession();
  const isAdmin = session.status === 'signed-in' && session.account.role === 'ADMIN';
  useServiceClock();
  useTitle(data.projects ? headlineOf(data.counts).text : '');
  useRemovedProjects(data.projects, (name) =>
    tell(isAdmin ? `${name} was deleted.` : `You no longer have access to ${name}.`),
  );
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
