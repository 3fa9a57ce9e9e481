// One event, folded into the cache: entities as they are now, rows where they belong. Doing it twice changes nothing.
import type { ApolloCache, DocumentNode } from '@apollo/client';
import type { Json } from '../document.js';
import { LISTS, refOf } from './policies.js';

/** By the first word of an event's kind: what it is about, and the field that lists these. */
const ROWS: Readonly<Record<string, readonly [typename: string, field: string]>> = {
  UPDATE: ['ProjectUpdate', 'updates'],
  COMMENT: ['Comment', 'comments'],
  MEMBER: ['User', 'members'],
  PROJECT: ['Project', 'projects'],
};

/** Writes what an event has. It must have been asked for with `__typename`. */
export function fold(cache: ApolloCache, query: DocumentNode, data: Json): void {
  const [[root, event]] = Object.entries<Json>(data) as [[string, Json]];
  const { project, update, comment, member, kind, seq, subjectId } = event;
  const idOf = (typename: string, id: string): string => cache.identify({ ['__typename']: typename, id })!;
  const projectId = idOf('Project', project?.id);
  const at: number = project?.lastSeq ?? seq;
  // A newer answer has these already; the rest of the event counts.
  const isStale = !project || numberOf(cache, projectId, 'lastSeq') > at;
  const isOutdated = update && numberOf(cache, idOf('ProjectUpdate', update.id), 'version') > update.version;
  const result = { ...event, ...(isStale && { project: null }), ...(isOutdated && { update: null }) };
  cache.write({ query, dataId: 'ROOT_SUBSCRIPTION', result: { [root]: result } });
  if (!project) return;
  const [what, action] = kind.split('_') as [string, string];
  const isGone = /REM|DEL/.test(action);
  const [typename, field] = ROWS[what]!;
  const subject = idOf(typename, subjectId);
  const ref = { ['__ref']: subject };
  if (!isStale) cache.modify({ id: projectId, fields: { lastSeq: () => at } });
  const isMember = what === 'MEMBER';
  const row = isMember ? { ...member, user: ref } : ref;
  const owners = what === 'PROJECT' ? ['ROOT_QUERY'] : [projectId];
  if (comment?.update) owners.push(idOf('ProjectUpdate', comment.update.id));
  const isIt = (other: Json): boolean => refOf(other) === subject;
  const place = (existing: Json, { storeFieldName }: { storeFieldName: string }): Json => {
    const changed = { ...existing };
    // A list that is filtered, or whose start is not loaded: whether it belongs there is not known here.
    const belongs = /POS|ADD|CRE/.test(action) && !/filter/.test(storeFieldName) && !existing.pageInfo?.hasPreviousPage;
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

/** What a number of an entity is in the cache. */
function numberOf(cache: ApolloCache, id: string, field: string): number {
  let value = -1;
  const look = (existing: number): number => (value = existing);
  cache.modify({ id, fields: { [field]: look } });
  return value;
}
