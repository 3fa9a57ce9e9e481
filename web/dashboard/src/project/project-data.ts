// Live data of one project. The viewer's role determines the selected fields, so that none is refused.
import { useLive } from '@tidings/client/react';
import { print } from 'graphql';
import { useCallback, useEffect, useRef, useState } from 'react';
import { apollo } from '../apollo.js';
import {
  FindProjectDocument,
  type FindProjectQuery,
  OlderChatDocument,
  OlderCommentsDocument,
  OlderUpdatesAsEditorDocument,
  OlderUpdatesDocument,
  PresenceDocument,
  type PresenceSubscription,
  ProjectAsEditorDocument,
  type ProjectAsEditorQuery,
  ProjectDocument,
  ProjectEventsAsEditorDocument,
  ProjectEventsDocument,
  type ProjectQuery,
} from '../gql/graphql.js';
import { tidings } from '../tidings.js';

export type ProjectData = NonNullable<ProjectQuery['project']>;
type EditorData = NonNullable<ProjectAsEditorQuery['project']>;
export type UpdateData = ProjectData['updates']['nodes'][number] &
  Partial<Pick<EditorData['updates']['nodes'][number], 'internalNote'>>;
export type CommentData = ProjectData['comments']['nodes'][number];
export type Role = ProjectData['viewerRole'];

export const isEditor = (role: Role | undefined): boolean => role === 'EDITOR' || role === 'OWNER';

export interface FoundProject {
  readonly id: string;
  readonly name: string;
  readonly viewerRole?: Role | undefined;
}

/** Looks up a project by key if the wall has not loaded it. `error`: the project does not exist or the service is unavailable. */
export function useFound(key: string, known: FoundProject | undefined) {
  const [found, setFound] = useState<FoundProject | undefined>(known);
  const [error, setError] = useState<Error>();
  const isKnown = (found ?? known) !== undefined;
  useEffect(() => {
    if (isKnown) return undefined;
    const life = new AbortController();
    tidings.request<FindProjectQuery>(print(FindProjectDocument), { key }, { signal: life.signal }).then(
      ({ project }) => setFound(project ?? undefined),
      (failure: unknown) => life.signal.aborted || setError(failure as Error),
    );
    return () => life.abort();
  }, [key, isKnown]);
  // Keeps the result when access to the project is lost; the end of the live data shows that.
  useEffect(() => {
    if (known) setFound((before) => before ?? known);
  }, [known]);
  return { found: found ?? known, error };
}

export interface ProjectView {
  readonly project: (ProjectData & Partial<Pick<EditorData, 'budget'>>) | undefined;
  /** Whether `budget` and `internalNote` may be shown. */
  readonly asEditor: boolean;
  readonly end: 'lost' | 'signed-out' | 'failed' | 'completed' | undefined;
  readonly error: Error | undefined;
}

/** Removes fields for editors from the cache when the account is no longer an editor. */
function forgetSecrets(id: string): void {
  const { cache } = apollo;
  const gone = { internalNote: (_: unknown, { DELETE }: { DELETE: unknown }) => DELETE as never };
  const updates = cache.readQuery({ query: ProjectDocument, variables: { id } })?.project?.updates.nodes;
  for (const update of updates ?? []) cache.modify({ id: cache.identify(update)!, fields: gone });
  cache.modify({ id: `Project:${id}`, fields: { budget: (_, { DELETE }) => DELETE as never } });
}

export function useProject({ id, viewerRole }: FoundProject): ProjectView {
  const [asEditor, setAsEditor] = useState(isEditor(viewerRole));
  const { data, end, error } = useLive<ProjectQuery | ProjectAsEditorQuery, unknown, { id: string }>(
    asEditor ? ProjectAsEditorDocument : ProjectDocument,
    asEditor ? ProjectEventsAsEditorDocument : ProjectEventsDocument,
    { variables: { id } },
  );
  // After a role change the project is read again. Until then the earlier data stays visible, without fields that the role may not see.
  const held = useRef(data);
  if (data) held.current = data;
  const project = (data ?? (end ? undefined : held.current))?.project ?? undefined;
  const role = data?.project?.viewerRole;
  useEffect(() => {
    if (role === undefined || isEditor(role) === asEditor) return;
    setAsEditor(isEditor(role));
  }, [role, asEditor]);
  useEffect(() => {
    if (!asEditor) forgetSecrets(id);
  }, [id, asEditor]);
  return { project, asEditor: asEditor && isEditor(project?.viewerRole), end: end?.reason, error };
}

/** State of a "load more" button: whether a page is being loaded, and whether that failed. */
export function useMore(load: () => Promise<unknown>) {
  const [state, setState] = useState<'idle' | 'loading' | 'failed'>('idle');
  const more = useCallback(() => {
    setState('loading');
    load().then(
      () => setState('idle'),
      () => setState('failed'),
    );
  }, [load]);
  return { state, more };
}

const network = { fetchPolicy: 'network-only' } as const;

export const loadOlderUpdates = (id: string, asEditor: boolean, after: string | null) =>
  apollo.query({
    query: asEditor ? OlderUpdatesAsEditorDocument : OlderUpdatesDocument,
    variables: { id, after },
    ...network,
  });
export const loadOlderChat = (id: string, after: string | null) =>
  apollo.query({ query: OlderChatDocument, variables: { id, after }, ...network });
export const loadOlderComments = (updateId: string, after: string | null) =>
  apollo.query({ query: OlderCommentsDocument, variables: { id: updateId, after }, ...network });

export type Presence = PresenceSubscription['presenceChanged'];

/** The people who are watching, including the viewer. */
export function usePresence(id: string): Presence | undefined {
  const [presence, setPresence] = useState<Presence>();
  useEffect(
    () =>
      tidings.subscribe(
        { query: print(PresenceDocument), variables: { id } },
        {
          next: ({ data }) => data?.presenceChanged && setPresence(data.presenceChanged as Presence),
          error: () => setPresence(undefined),
          complete: () => setPresence(undefined),
        },
      ),
    [id],
  );
  return presence;
}
