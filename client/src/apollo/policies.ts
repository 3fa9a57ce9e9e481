// How the cache keeps the connections of the schema: pages join up, rows that were inserted or removed live stay so.
import type { FieldPolicy, TypePolicies } from '@apollo/client';
import type { Json } from '../document.js';

/** What a row is of: an entity, or a member, which has no id of its own. */
export function refOf(row: Json): string | undefined {
  const node = row?.node ?? row;
  return node?.['__ref'] ?? node?.user?.['__ref'];
}

/** Both lists of a connection. */
export const LISTS = ['edges', 'nodes'] as const;

function join(before: Json[], after: Json[]): Json[] {
  const known = new Set(before.map(refOf));
  return [...before, ...after.filter((row) => !known.has(refOf(row)))];
}

/** The first page, read again: what is loaded behind its last row stays. Without anything in common the page takes its place. */
function patch(loaded: Json[], page: Json[], { pageInfo }: Json): Json[] {
  const last = pageInfo?.hasNextPage !== false && refOf(page.at(-1));
  const at = last ? loaded.findIndex((row) => refOf(row) === last) : -1;
  return at < 0 ? page : join(page, loaded.slice(at + 1));
}

/** A Relay connection; `keyArgs` are the arguments that make it another list. */
export function connection(keyArgs: string[] | false = false): FieldPolicy<Json> {
  return {
    keyArgs,
    read: (existing, { canRead }) => {
      const result = existing && { ...existing };
      for (const name of LISTS)
        if (existing?.[name]) result[name] = existing[name].filter((row: Json) => canRead(row?.node ?? row));
      return result;
    },
    merge: (existing = {}, incoming, { args }) => {
      const { after, before } = args ?? {};
      const merged = { ...existing, ...incoming };
      let isLonger = false;
      for (const name of LISTS) {
        const [loaded, page]: (Json[] | undefined)[] = [existing[name], incoming[name]];
        if (!loaded || !page) continue;
        const all = after ? join(loaded, page) : before ? join(page, loaded) : patch(loaded, page, incoming);
        merged[name] = all;
        isLonger ||= all.length > page.length;
      }
      // Each end of what is loaded is that of the page which was read there.
      const [start, end] = after ? [existing.pageInfo, incoming.pageInfo] : [incoming.pageInfo, existing.pageInfo];
      if (isLonger && start && end)
        merged.pageInfo = { ...start, endCursor: end.endCursor, hasNextPage: end.hasNextPage };
      return merged;
    },
  };
}

/** For `new InMemoryCache({ typePolicies })`. */
export const typePolicies: TypePolicies = {
  Query: {
    fields: {
      projects: connection(['filter', 'orderBy']),
      users: connection(['search']),
      auditLog: connection(['filter']),
      notifications: connection(['unread']),
      projectEvents: connection(['projectId']),
    },
  },
  Project: { fields: { updates: connection(), comments: connection(), members: connection() } },
  ProjectUpdate: { fields: { comments: connection() } },
};

export const possibleTypes = { Node: ['Comment', 'Project', 'ProjectUpdate'] };
