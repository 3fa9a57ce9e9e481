// The wall on a large screen: pages instead of scrolling, sizes by viewing distance.
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { Age } from '../../../shared/age.js';
import { Badge } from '../../../shared/badge.js';
import { timeText, useClockText } from '../../../shared/clock.js';
import type { Freshness } from '../../../shared/freshness.js';
import { HealthMark, Shape } from '../../../shared/shapes.js';
import { Messages } from '../frame/messages.js';
import { type Distance, DISTANCES, type WallSearch } from '../router.js';
import { Avatars } from '../frame/avatars.js';
import { Bars } from './bars.js';
import { KioskControls } from './kiosk-controls.js';
import styles from './kiosk.module.css';
import { NewMark } from './new-mark.js';
import { byHealth } from './order.js';
import { headlineOf } from './wall-headline.js';
import { useWatching } from './watching.js';
import type { Watchers } from './project-card.js';
import type { Card, WallData } from './wall-data.js';

const ROUTE = getRouteApi('/');
/** Up to this number of cards, columns are fewer and wider. */
const MAX_WIDE_CARDS = 9;
/** ms that a page is shown. */
const PAGE_MS = 17_000;
const PAGE_SIZE: Readonly<Record<Distance, number>> = { 2: 12, 3: 12, 5: 6 };

const idsOf = (projects: readonly Card[]): readonly string[] => [...projects].sort(byHealth).map(({ id }) => id);

/** The projects of the current page. Cards keep their places until the next page is shown. */
function usePages(projects: readonly Card[], size: number) {
  const [shown, setShown] = useState(() => ({ at: 0, ids: idsOf(projects) }));
  const latest = useRef(projects);
  latest.current = projects;
  const pages = Math.max(1, Math.ceil(projects.length / size));
  useEffect(() => {
    const timer = setInterval(() => setShown(({ at }) => ({ at: at + 1, ids: idsOf(latest.current) })), PAGE_MS);
    return () => clearInterval(timer);
  }, [size]);
  const byId = new Map(projects.map((project) => [project.id, project]));
  const known = new Set(shown.ids);
  // Removed projects disappear at once. New ones stay at the end of the order until the next page is shown.
  const order = [
    ...shown.ids.filter((id) => byId.has(id)),
    ...projects.filter(({ id }) => !known.has(id)).map(({ id }) => id),
  ];
  const page = shown.at % pages;
  return { page, pages, cards: order.slice(page * size, page * size + size).map((id) => byId.get(id)!) };
}

function KioskCard({
  project,
  watchers,
}: {
  readonly project: Card;
  readonly watchers: Watchers | undefined;
}): ReactNode {
  const { key, name, health, latestUpdate, activity } = project;
  return (
    <article className={styles.card} data-project={key} data-id={project.id}>
      <p className={styles.strip} data-health={health ?? 'NONE'}>
        <HealthMark health={health ?? null} />
        {latestUpdate && <NewMark key={latestUpdate.id} at={latestUpdate.createdAt} />}
      </p>
      <h2 className={styles.name} dir="auto">
        {name}
      </h2>
      {latestUpdate ? (
        <>
          <p className={styles.title} dir="auto">
            {latestUpdate.title}
          </p>
          <p className={styles.by}>
            <bdi className={styles.author}>{latestUpdate.author.name}</bdi>
            <span aria-hidden="true">·</span>
            <Age at={latestUpdate.createdAt} />
          </p>
        </>
      ) : (
        <p className={styles.by}>No update yet</p>
      )}
      <div className={styles.foot}>
        <Bars activity={activity} />
        {watchers && <Avatars people={watchers.viewers} count={watchers.count} />}
      </div>
    </article>
  );
}

/** The newest update of all projects. */
function Newest({ projects }: { readonly projects: readonly Card[] }): ReactNode {
  const newest = projects.reduce<Card | undefined>(
    (best, project) =>
      (project.latestUpdate?.createdAt ?? '') > (best?.latestUpdate?.createdAt ?? '') ? project : best,
    undefined,
  );
  const update = newest?.latestUpdate;
  if (!update) return <p className={styles.newest}>No updates yet</p>;
  return (
    <p className={styles.newest} key={update.id}>
      <Shape health={update.health} />
      <span className={styles.line}>
        <bdi>{newest.name}</bdi>: <bdi>{update.title}</bdi>
      </span>
      <span className={styles.when}>
        <bdi>{update.author.name}</bdi>, <Age at={update.createdAt} />
      </span>
    </p>
  );
}

export function Kiosk({ data, freshness }: { readonly data: WallData; readonly freshness: Freshness }): ReactNode {
  const { distance = 3 } = ROUTE.useSearch();
  const navigate = useNavigate({ from: '/' });
  const projects = useMemo(() => data.projects ?? [], [data.projects]);
  const { page, pages, cards } = usePages(projects, PAGE_SIZE[distance]);
  const grid = useRef<HTMLDivElement>(null);
  const watching = useWatching(
    grid,
    cards
      .map(({ id }) => id)
      .sort()
      .join(),
  );
  const clock = useClockText();
  const { text, health } = headlineOf(data.counts);
  const { isStale, asOf } = freshness;
  // A wall screen is dark unless the user has chosen a theme.
  useEffect(() => {
    const root = document.documentElement;
    if (root.dataset['theme']) return undefined;
    root.dataset['theme'] = 'dark';
    return () => {
      delete root.dataset['theme'];
    };
  }, []);
  const set = (change: WallSearch): void =>
    void navigate({ search: (search: WallSearch) => ({ ...search, ...change }), replace: true });
  return (
    <main
      className={styles.kiosk}
      data-distance={distance}
      data-stale={isStale}
      data-few={cards.length <= MAX_WIDE_CARDS}
      data-status={data.status}
    >
      <div className={styles.picture}>
        <header className={styles.head}>
          {data.projects ? (
            <h1 className={styles.verdict} aria-live="polite">
              {projects.length > 0 && <Shape health={health} />}
              {projects.length > 0 ? text : 'No projects yet'}
            </h1>
          ) : (
            <h1 className={styles.verdict}>{data.status === 'ended' ? 'The projects could not be read' : 'Loading'}</h1>
          )}
          <div className={styles.state}>
            {pages > 1 && (
              <span aria-label={`Page ${page + 1} of ${pages}`}>
                {page + 1}/{pages}
              </span>
            )}
            <Badge freshness={freshness} />
            <time className={styles.clock}>{clock}</time>
          </div>
        </header>
        <div className={styles.grid} ref={grid} key={page}>
          {cards.map((project) => (
            <KioskCard key={project.id} project={project} watchers={watching.get(project.id)} />
          ))}
        </div>
        <Newest projects={projects} />
      </div>
      <div role="alert">{isStale && asOf !== undefined && <p className={styles.stale}>As of {timeText(asOf)}</p>}</div>
      <KioskControls
        distance={distance}
        distances={DISTANCES}
        onDistance={(metres) => set({ distance: metres })}
        onLeave={() => set({ kiosk: undefined, distance: undefined })}
      />
      <Messages />
    </main>
  );
}
