// Current role of the account, and its roles in projects.
import type { Tidings } from '@tidings/client';

export interface ProjectRights {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly viewerRole: string | null;
}

export interface Rights {
  /** Current role of the account. */
  readonly role: string;
  readonly projects: readonly ProjectRights[];
  /** Whether the list of projects is incomplete. */
  readonly isCut: boolean;
}

const RIGHTS = `query PlaygroundRights {
  me { role }
  projects(first: 100, orderBy: NAME) {
    lastCursor
    nodes { id key name viewerRole }
    pageInfo { hasNextPage }
  }
}`;
/** A small subscription that always runs, so that the socket reports the end of the session or a role change at once. */
const CHANGES = `subscription PlaygroundRights($after: String) {
  accessChanged(after: $after) { cursor projectId role accountRole }
}`;

/** Name of the page's own operations, by which the Wire pane recognizes them. */
export const OWN_OPERATION = 'PlaygroundRights';

interface Answer {
  readonly me: { readonly role: string };
  readonly projects: {
    readonly lastCursor: string;
    readonly nodes: readonly ProjectRights[];
    readonly pageInfo: { readonly hasNextPage: boolean };
  };
}

export interface FollowedRights {
  readonly get: () => Rights | undefined;
  readonly subscribe: (listener: () => void) => () => void;
}

/** ms before a failed read is retried. */
const RETRY_MS = 3_000;

/** Follows the roles while somebody is signed in; undefined while unknown. */
export function followRights(tidings: Tidings): FollowedRights {
  const listeners = new Set<() => void>();
  let rights: Rights | undefined;
  let life = new AbortController();
  let accountId: string | undefined;

  const set = (value: Rights | undefined): void => {
    rights = value;
    for (const listener of listeners) listener();
  };
  const sessionChanged = (): void => {
    const state = tidings.session.get();
    const id = state.status === 'signed-in' ? state.account.id : undefined;
    if (id === accountId) return;
    accountId = id;
    life.abort();
    life = new AbortController();
    set(undefined);
    if (id) follow(tidings, life.signal, set);
  };
  tidings.session.subscribe(sessionChanged);
  sessionChanged();
  return {
    get: () => rights,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function follow(tidings: Tidings, signal: AbortSignal, set: (rights: Rights) => void): void {
  let isFollowing = false;
  let isReading = false;
  let mustReadAgain = false;

  async function read(): Promise<void> {
    mustReadAgain = true;
    if (isReading) return;
    isReading = true;
    try {
      while (mustReadAgain) {
        mustReadAgain = false;
        const { me, projects } = await tidings.request<Answer>(RIGHTS, {}, { signal });
        set({ role: me.role, projects: projects.nodes, isCut: projects.pageInfo.hasNextPage });
        if (!isFollowing) listen(projects.lastCursor);
      }
    } catch {
      if (!signal.aborted) setTimeout(() => !signal.aborted && void read(), RETRY_MS);
    } finally {
      isReading = false;
    }
  }

  function listen(after: string): void {
    isFollowing = true;
    const ended = (): void => {
      isFollowing = false;
      if (!signal.aborted) void read();
    };
    const stop = tidings.subscribe(
      { query: CHANGES, variables: { after } },
      { next: () => void read(), error: ended, complete: ended },
    );
    signal.addEventListener('abort', stop, { once: true });
  }

  void read();
}
