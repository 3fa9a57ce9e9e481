// Presence of the visible projects. Polled every 15 s while the page is visible, since a subscription would count as watching.
import { type RefObject, useEffect, useState } from 'react';
import { print } from 'graphql';
import { WatchingDocument, type WatchingQuery } from '../gql/graphql.js';
import { tidings } from '../tidings.js';
import type { Watchers } from './project-card.js';

const POLL_MS = 15_000;
/** Maximum number of projects per request. */
const MAX_IDS = 50;

const QUERY = print(WatchingDocument);

type Found = ReadonlyMap<string, Watchers>;

const isSame = (one: Watchers | undefined, other: Watchers): boolean =>
  one?.count === other.count && one.viewers.map(({ id }) => id).join() === other.viewers.map(({ id }) => id).join();

/** Presence by project id. `grid` contains the cards; cards outside the screen keep their last state. `set` changes with the cards. */
export function useWatching(grid: RefObject<HTMLElement | null>, set: string): Found {
  const [found, setFound] = useState<Found>(new Map());
  useEffect(() => {
    const visible = new Set<string>();
    const life = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      clearTimeout(timer);
      timer = setTimeout(() => void ask(), POLL_MS);
      if (document.hidden || visible.size === 0) return;
      const ids = [...visible];
      const parts = Array.from({ length: Math.ceil(ids.length / MAX_IDS) }, (_, at) =>
        ids.slice(at * MAX_IDS, at * MAX_IDS + MAX_IDS),
      );
      // Failures are ignored: the next poll follows soon.
      const answers = await Promise.all(
        parts.map((part) => tidings.request<WatchingQuery>(QUERY, { ids: part }, { signal: life.signal })),
      ).catch(() => []);
      const told = answers.flatMap(({ watching }) => watching);
      if (told.length === 0 || life.signal.aborted) return;
      setFound((before) => {
        const after = new Map(before);
        for (const { projectId, count, viewers } of told)
          if (!isSame(before.get(projectId), { count, viewers })) after.set(projectId, { count, viewers });
        return after;
      });
    };
    const observer = new IntersectionObserver((entries) => {
      const before = visible.size;
      for (const { target, isIntersecting } of entries) {
        const id = (target as HTMLElement).dataset['id']!;
        if (isIntersecting) visible.add(id);
        else visible.delete(id);
      }
      if (before === 0 && visible.size > 0) void ask();
    });
    for (const card of grid.current?.querySelectorAll('[data-id]') ?? []) observer.observe(card);
    const wake = (): void => void (document.hidden || ask());
    document.addEventListener('visibilitychange', wake);
    return () => {
      life.abort();
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener('visibilitychange', wake);
    };
  }, [grid, set]);
  return found;
}
