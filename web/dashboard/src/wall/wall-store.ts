// Store of all projects that the account may see, live. An event changes one row, independent of their number. Projects with the worst
// health are read first, the others page by page.
import type { Live } from '@tidings/client';
import { print } from 'graphql';
import {
  AllProjectsDocument,
  type AllProjectsQuery,
  WallDocument,
  WallEventsDocument,
  type WallEventsSubscription,
  type WallQuery,
} from '../gql/graphql.js';
import { tidings } from '../tidings.js';

export type Card = WallQuery['projects']['nodes'][number];
export type HealthCounts = Omit<WallQuery['projects']['healthCounts'], '__typename'>;

export interface WallData {
  readonly status: 'loading' | 'live' | 'stale' | 'ended';
  readonly error: Error | undefined;
  /** Unordered; undefined while loading. */
  readonly projects: readonly Card[] | undefined;
  readonly counts: HealthCounts;
  /** Whether `projects` is complete. */
  readonly isWhole: boolean;
  /** Local time of the first read, ms since 1970. */
  readonly loadedAt: number | undefined;
}

const NONE: HealthCounts = { offTrack: 0, atRisk: 0, onTrack: 0, unknown: 0 };
const DAYS = 30;
/** ms within which changes are batched. */
const BATCH_MS = 50;
const SNAPSHOT = print(WallDocument);
const EVENTS = print(WallEventsDocument);
const PAGE = print(AllProjectsDocument);

export function countHealth(projects: Iterable<Pick<Card, 'health'>>): HealthCounts {
  const counts = { ...NONE };
  const names = { OFF_TRACK: 'offTrack', AT_RISK: 'atRisk', ON_TRACK: 'onTrack' } as const;
  for (const { health } of projects) counts[health ? names[health] : 'unknown'] += 1;
  return counts;
}

/** Merges the activity of today, the only day that an event contains. */
function joinDays(known: Card['activity'], incoming: Card['activity']): Card['activity'] {
  const days = new Map([...known, ...incoming].map((day) => [day.date, day]));
  return [...days.values()].sort((one, other) => (one.date < other.date ? -1 : 1)).slice(-DAYS);
}

export class WallStore {
  #cards = new Map<string, Card>();
  #data: WallData = {
    status: 'loading',
    error: undefined,
    projects: undefined,
    counts: NONE,
    isWhole: false,
    loadedAt: undefined,
  };
  #listeners = new Set<() => void>();
  #live: Live | undefined;
  /** Aborts the read of further pages. */
  #reading = new AbortController();
  /** Projects added or changed since the read of further pages began. */
  #touched = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly get = (): WallData => this.#data;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  start(): void {
    this.#live = tidings.live({
      snapshot: SNAPSHOT,
      subscription: EVENTS,
      onSnapshot: ({ projects }) => this.#read(projects as WallQuery['projects']),
      onEvent: (event) => this.#fold(event as WallEventsSubscription['projectsUpdated']),
      onAccess: ({ projectId, role }) => {
        if (projectId !== null && role === null && this.#cards.delete(projectId)) this.#changed();
      },
      onStatus: (status) => this.#set({ status }),
      onEnd: ({ error }) => this.#set({ status: 'ended', error }),
    });
  }

  stop(): void {
    this.#live?.stop();
    this.#reading.abort();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #set(change: Partial<WallData>): void {
    this.#data = { ...this.#data, ...change };
    for (const listener of this.#listeners) listener();
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const projects = [...this.#cards.values()];
    this.#set(this.#data.isWhole ? { projects, counts: countHealth(projects) } : { projects });
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => this.#show(), BATCH_MS);
  }

  /** Keeps the newest state, independent of the order of answers and events. */
  #put(card: Card): void {
    const known = this.#cards.get(card.id);
    if (known && known.lastSeq > card.lastSeq) return;
    this.#cards.set(card.id, known ? { ...card, activity: joinDays(known.activity, card.activity) } : card);
  }

  #fold({ kind, project }: WallEventsSubscription['projectsUpdated']): void {
    this.#touched.add(project.id);
    if (kind === 'PROJECT_DELETED') this.#cards.delete(project.id);
    else this.#put(project);
    this.#changed();
  }

  #read({ nodes, pageInfo, healthCounts }: WallQuery['projects']): void {
    this.#reading.abort();
    for (const card of nodes) this.#put(card);
    this.#data = { ...this.#data, loadedAt: this.#data.loadedAt ?? Date.now() };
    if (pageInfo.hasNextPage) {
      // Until all projects are loaded, the counts come from the service.
      if (!this.#data.isWhole) this.#data = { ...this.#data, counts: healthCounts };
      this.#show();
      this.#reading = new AbortController();
      this.#touched.clear();
      void this.#readOthers(this.#reading.signal);
    } else {
      this.#keep(new Set(nodes.map(({ id }) => id)));
    }
  }

  /** Removes all projects except these. */
  #keep(ids: ReadonlySet<string>): void {
    for (const id of this.#cards.keys()) if (!ids.has(id)) this.#cards.delete(id);
    this.#data = { ...this.#data, isWhole: true };
    this.#show();
  }

  /** Reads the other projects by creation time, so that none moves between pages. */
  async #readOthers(signal: AbortSignal): Promise<void> {
    const found = new Set<string>();
    let after: string | null = null;
    for (let failures = 0; ;) {
      try {
        const { projects }: AllProjectsQuery = await tidings.request<AllProjectsQuery>(PAGE, { after }, { signal });
        if (signal.aborted) return;
        for (const card of projects.nodes) {
          found.add(card.id);
          this.#put(card);
        }
        failures = 0;
        if (!projects.pageInfo.hasNextPage) break;
        after = projects.pageInfo.endCursor ?? null;
        this.#changed();
      } catch {
        failures += 1;
        const wait = Math.min(30_000, 1_000 * 2 ** failures);
        await new Promise((resolve) => {
          setTimeout(resolve, wait);
        });
      }
      if (signal.aborted) return;
    }
    this.#keep(new Set([...found, ...this.#touched]));
  }
}
