// One event, folded into the cache: entities as they are now, rows where they belong. Doing it twice changes nothing.
import type { ApolloCache, DocumentNode } from '@apollo/client';
import type { Json } from '../document.js';
import { LISTS, refOf } from './policies.js';

/** What an event is about, by the field that lists it: the first word of its kind. */
const TYPES: Readonly<Record<string, string>> = {
  updates: 'ProjectUpdate',
  comments: 'Comment',
  members: 'User',
  projects: 'Project',
};

/** Writes what an event has. It must have been asked for with `__typename`. */
export function fold(cache: ApolloCache, query: DocumentNode, data: Json): void {
  const [[root, event]] = Object.entries<Json>(data) as [[string, Json]];
  const { project, update, comment, member, kind, seq, subjectId } = event;
  const idOf = (typename: string, id: string): string => cache.identify({ ['__typename']: typename, id })!;
  /** Whether the cache has a greater number. */
  const isNewer = (id: string, name: string, value: number): boolean => {
    let known = value;
    cache.modify({ id, fields: { [name]: (existing: number): number => (known = existing) } });
    return known > value;
  };
  const projectId = idOf('Project', project?.id);
  const at: number = project?.lastSeq ?? seq;
  // A newer answer has these already; the rest of the event counts.
  const isStale = !project || isNewer(projectId, 'lastSeq', at);
  const isOutdated = update && isNewer(idOf('ProjectUpdate', update.id), 'version', update.version);
  const result = { ...event, project: isStale ? null : project, update: isOutdated ? null : update };
  cache.write({ query, dataId: 'ROOT_SUBSCRIPTION', result: { [root]: result } });
  if (!project) return;
  const field = `${kind.split('_')[0].toLowerCase()}s`;
  const isGone = /REM|DEL/.test(kind);
  const subject = idOf(TYPES[field]!, subjectId);
  const ref = { ['__ref']: subject };
  if (!isStale) cache.modify({ id: projectId, fields: { lastSeq: () => at } });
  const isMember = field === 'members';
  const row = isMember ? { ...member, user: ref } : ref;
  const owners = [field === 'projects' ? 'ROOT_QUERY' : projectId];
  if (comment?.update) owners.push(idOf('ProjectUpdate', comment.update.id));
  const isIt = (other: Json): boolean => refOf(other) === subject;
  const place = (existing: Json, { storeFieldName }: { storeFieldName: string }): Json => {
    const changed = { ...existing };
    // A list that is filtered, or whose start is not loaded: whether it belongs there is not known here.
    const belongs = /POS|ADD|CRE/.test(kind) && !/filter/.test(storeFieldName) && !existing.pageInfo?.hasPreviousPage;
    for (const name of LISTS) {
      const rows = existing[name] as Json[] | undefined;
      if (!rows) continue;
      // Into an empty list of edges goes one without a type: what shows it reads it again.
      const own = (other: Json): Json => (name === 'nodes' ? row : { ...other, node: row });
      if (isGone) changed[name] = rows.filter((other) => !isIt(other));
      else if (rows.some(isIt)) changed[name] = rows.map((other) => (isIt(other) ? own(other) : other));
      else if (belongs) changed[name] = [own({ ...rows[0], cursor: '' }), ...rows];
    }
    return changed;
  };
  for (const id of owners) cache.modify({ id, fields: { [field]: place } });
  if (isGone && !isMember) cache.evict({ id: subject });
}
