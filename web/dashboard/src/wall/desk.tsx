// The wall on a desktop or phone.
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useDeferredValue, useEffect, useRef, useState } from 'react';
import { controls } from '../../../shared/controls.js';
import type { Freshness } from '../../../shared/freshness.js';
import { Messages } from '../frame/messages.js';
import { StaleBanner } from '../frame/stale-banner.js';
import { TopBar } from '../frame/top-bar.js';
import type { WallSearch } from '../router.js';
import styles from './desk.module.css';
import { EmptyWall } from './empty-wall.js';
import { useStableOrder } from './order.js';
import { ProjectCard } from './project-card.js';
import { WallHeadline } from './wall-headline.js';
import { useWatching } from './watching.js';
import type { Card, WallData } from './wall-data.js';

const ROUTE = getRouteApi('/');
const ProjectPanel = lazy(() => import('../project/project-panel.js'));

/** Number of cards rendered at first, and added when the user scrolls near the end. */
const BATCH_SIZE = 60;

export function filtered(projects: readonly Card[], query: string): readonly Card[] {
  const words = query.toLocaleLowerCase().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return projects;
  return projects.filter(({ name, key }) => {
    const text = `${key} ${name}`.toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Whether the pointer is over an element or the focus is within it, so that its content should not move. */
function useAttention(): [boolean, object] {
  const [pointer, setPointer] = useState(false);
  const [focus, setFocus] = useState(false);
  return [
    pointer || focus,
    {
      onPointerEnter: ({ pointerType }: React.PointerEvent) => setPointer(pointerType === 'mouse'),
      onPointerLeave: () => setPointer(false),
      onFocus: ({ target }: React.FocusEvent<HTMLElement>) => setFocus(target.matches(':focus-visible')),
      onBlur: () => setFocus(false),
    },
  ];
}

function Grid({ projects }: { readonly projects: readonly Card[] }): ReactNode {
  const grid = useRef<HTMLDivElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const [limit, setLimit] = useState(BATCH_SIZE);
  const [isHeld, attention] = useAttention();
  const ordered = useStableOrder(projects, isHeld).slice(0, limit);
  const watching = useWatching(
    grid,
    ordered
      .map(({ id }) => id)
      .sort()
      .join(),
  );
  const isCut = ordered.length < projects.length;
  useEffect(() => {
    if (!isCut) return undefined;
    const observer = new IntersectionObserver(
      ([entry]) => entry?.isIntersecting && setLimit((count) => count + BATCH_SIZE),
      {
        rootMargin: '800px',
      },
    );
    observer.observe(end.current!);
    return () => observer.disconnect();
  }, [isCut, limit]);
  return (
    <>
      <div ref={grid} className={styles.grid} {...attention}>
        {ordered.map((project) => (
          <ProjectCard key={project.id} project={project} watchers={watching.get(project.id)} />
        ))}
      </div>
      <div ref={end} />
    </>
  );
}

function Body({ data, query }: { readonly data: WallData; readonly query: string }): ReactNode {
  const { projects, error, status, counts, isWhole } = data;
  const sought = useDeferredValue(query);
  if (!projects) {
    if (status !== 'ended') return <Skeleton />;
    return (
      <div className={styles.middle} role="alert">
        <h1 className={styles.title}>The projects could not be read</h1>
        <p>{error?.message}</p>
        <button className={controls.primary} onClick={() => location.reload()}>
          Try again
        </button>
      </div>
    );
  }
  if (projects.length === 0) return <EmptyWall />;
  const found = filtered(projects, sought);
  return (
    <>
      <WallHeadline counts={counts} />
      {sought && (
        <p className={styles.found} role="status">
          {found.length === 0
            ? `No project is called “${sought}”${isWhole ? '.' : ' so far.'}`
            : `${found.length} found`}
        </p>
      )}
      <Grid projects={found} />
    </>
  );
}

/** Placeholder cards. */
function Skeleton(): ReactNode {
  return (
    <div className={styles.skeleton} role="status">
      <span className={controls.hidden}>Loading the projects</span>
      <div className={styles.grid} aria-hidden="true">
        {Array.from({ length: 6 }, (_, at) => (
          <div key={at} className={styles.blank} />
        ))}
      </div>
    </div>
  );
}

export function Desk({ data, freshness }: { readonly data: WallData; readonly freshness: Freshness }): ReactNode {
  const { q = '', project } = ROUTE.useSearch();
  const navigate = useNavigate({ from: '/' });
  const onQuery = (text: string): void =>
    void navigate({
      search: (search: WallSearch) => ({ ...search, q: text || undefined }),
      replace: true,
      resetScroll: false,
    });
  return (
    <>
      <TopBar freshness={freshness} query={q} onQuery={onQuery} />
      <StaleBanner freshness={freshness} />
      <main className={styles.content} data-status={data.status}>
        <Body data={data} query={q} />
      </main>
      <Messages />
      {project && (
        <Suspense fallback={null}>
          <ProjectPanel
            key={project}
            projectKey={project}
            known={data.projects?.find(({ key }) => key === project)}
            freshness={freshness}
          />
        </Suspense>
      )}
    </>
  );
}
