// Writes one event into the cache: updates entities, inserts and removes rows of lists. Idempotent.
import type { ApolloCache, DocumentNode } from '@apollo/client';
import type { ModifierDetails } from '@apollo/client/cache';
import type { Json, Variables } from '../document.js';
import { LISTS, refOf } from './policies.js';

/** Type of an event's subject, by the list field it belongs to. The field is the first word of the event kind. */
const TYPES: Readonly<Record<string, string>> = {
  updates: 'ProjectUpdate',
  comments: 'Comment',
  members: 'User',
  projects: 'Project',
};

/** Writes the data of an event. Its document must select `__typename`. */
export function fold(cache: ApolloCache, query: DocumentNode, variables: Variables, data: Json): void {
  const [[root, event]] = Object.entries<Json>(data) as [[string, Json]];
  const { project, update, comment, member, kind, seq, subjectId } = event;
  const idOf = (typename: string, id: string): string => cache.identify({ ['__typename']: typename, id })!;
  const projectId = idOf('Project', project?.id);
  const at: number = project?.lastSeq ?? seq;
  let isStale = !project;
  let isOutdated = false;
  // Skips entities that the cache has in a newer state. Reads through the root because Apollo keeps every modified entity indefinitely.
  const compare = (same: Json, { readField }: ModifierDetails): Json => {
    const known = (name: string, id: string): Json => readField(name, { ['__ref']: id });
    isStale ||= known('lastSeq', projectId) > at;
    isOutdated = update && known('version', idOf('ProjectUpdate', update.id)) > update.version;
    return same;
  };
  cache.modify({ fields: { ['__typename']: compare } });
  const result = { ...event, project: isStale ? null : project, update: isOutdated ? null : update };
  cache.write({ query, variables, dataId: 'ROOT_SUBSCRIPTION', result: { [root]: result } });
  // The kind of an event determines how lists change.
  if (!project || !kind) return;
  const field = `${kind.split('_')[0].toLowerCase()}s`;
  const isGone = /REM|DEL/.test(kind);
  const subject = idOf(TYPES[field]!, subjectId);
  const ref = { ['__ref']: subject };
  const isMember = field === 'members';
  const row = isMember ? { ...member, user: ref } : ref;
  const owners = ['ROOT_QUERY', projectId];
  if (comment?.update) owners.push(idOf('ProjectUpdate', comment.update.id));
  const isIt = (other: Json): boolean => refOf(other) === subject;
  const place = (existing: Json, { storeFieldName }: { storeFieldName: string }): Json => {
    const changed = { ...existing };
    // A new row is not inserted into a filtered list, or one whose start is not loaded: whether it belongs there is unknown.
    const belongs = /POS|ADD|CRE/.test(kind) && !/filter/.test(storeFieldName) && !existing.pageInfo?.hasPreviousPage;
    for (const name of LISTS) {
      const rows = existing[name] as Json[] | undefined;
      if (!rows) continue;
      // An edge inserted into an empty list has no `__typename`, so queries that select it read the list again.
      const own = (other: Json): Json => (name === 'nodes' ? row : { ...other, node: row });
      if (isGone) changed[name] = rows.filter((other) => !isIt(other));
      else if (rows.some(isIt)) changed[name] = rows.map((other) => (isIt(other) ? own(other) : other));
      else if (belongs) changed[name] = [own({ ...rows[0], cursor: '' }), ...rows];
    }
    return changed;
  };
  const lastSeq = (known: number): number => (isStale ? known : at);
  for (const id of owners) cache.modify({ id, fields: { [field]: place, lastSeq } });
  if (isGone && !isMember) cache.evict({ id: subject });
}
