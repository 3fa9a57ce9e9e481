// Type policies for the connections of the schema: pages are merged; rows that events inserted or removed are kept.
import type { FieldPolicy, TypePolicies } from '@apollo/client';
import type { Json } from '../document.js';

/** Cache reference of a row: of its entity, or for a member, which has no id, of its user. */
export function refOf(row: Json): string | undefined {
  const node = row?.node ?? row;
  return node?.['__ref'] ?? node?.user?.['__ref'];
}

/** The list fields of a connection. */
export const LISTS = ['edges', 'nodes'] as const;

function join(before: Json[], after: Json[]): Json[] {
  const known = new Set(before.map(refOf));
  return [...before, ...after.filter((row) => !known.has(refOf(row)))];
}

/** Merges the first page after a refetch: rows loaded after its last row stay. Without that row the page replaces the list. */
function patch(loaded: Json[], page: Json[], { pageInfo }: Json): Json[] {
  const last = pageInfo?.hasNextPage !== false && refOf(page.at(-1));
  const at = last ? loaded.findIndex((row) => refOf(row) === last) : -1;
  return at < 0 ? page : join(page, loaded.slice(at + 1));
}

/** Field policy of a Relay connection. `keyArgs` are the arguments that distinguish its lists, such as filters. */
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
      // `pageInfo` combines the start of the first page with the end of the last one.
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
