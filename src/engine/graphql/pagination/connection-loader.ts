// Pages of children, for many parents in one statement: the first pages of 50 parents cost one statement.
import type { EntityName } from '@mikro-orm/core';
import { type Batch, Loader } from '../../database/loaders.js';
import { fromRow, type Row } from '../../database/rows.js';
import { type Connection, connectionOf, type Keyed, keyPage, type KeyPage, type PageArgs } from './connection.js';

/** A page of one parent's children. */
export interface ChildPage extends KeyPage {
  readonly parentId: string;
}

/** The page of `parentId` that `args` request. Throws BAD_USER_INPUT before it is batched with valid requests. */
export function childPage(parentId: string, args: PageArgs): ChildPage {
  return { parentId, ...keyPage(args) };
}

/** Where the children are: all names are of our own making, never of a client's. */
export interface ChildTable<T> {
  readonly entity: EntityName<T>;
  readonly table: string;
  readonly parentColumn: string;
  /** SQL, of `parent.id`: a parent for which it does not hold has no children to show. */
  readonly parentCondition?: string;
}

/** A loader of pages, newest first. Siblings with the same page size, cursor and direction share a statement. */
export function childPages<T extends Keyed>({
  entity,
  table,
  parentColumn,
  parentCondition = 'true',
}: ChildTable<T>): Loader<ChildPage, Connection<T>> {
  const batch: Batch<ChildPage, Connection<T>> = async (em, pages) => {
    const results = new Map<ChildPage, Connection<T>>();
    for (const group of groupBy(pages, nameOf)) {
      const { size, from, backwards } = group[0]!;
      const [beyond, order] = backwards ? ['>', 'asc'] : ['<', 'desc'];
      // In the order of the index of parents and ids, which no other has. Were it that of ids alone, PostgreSQL could go through the
      // children of all parents, the newest first, where it thinks that this parent's are among them. (`= any` keeps the parent in it.)
      const parents = [...new Set(group.map(({ parentId }) => parentId))];
      const sql = `
        select child.*
          from (select id from unnest(string_to_array(?, ',')::uuid[]) as parent(id) where ${parentCondition}) parent
         cross join lateral (
          select * from ${table} where ${parentColumn} = any(array[parent.id]) ${from ? `and id ${beyond} ?::uuid` : ''}
           order by ${parentColumn} ${backwards ? 'desc' : 'asc'}, id ${order} limit ?
        ) child`;
      const rows = await em.execute<Row[]>(sql, [parents.join(','), ...(from ? [from] : []), size + 1]);
      const byParent = Map.groupBy(rows, (row) => row[parentColumn] as string);
      for (const page of group) {
        const found = (byParent.get(page.parentId) ?? []).map((row) => fromRow(em, entity, row));
        const [nodes, more, hasFrom] = [found.slice(0, size), found.length > size, from !== undefined];
        results.set(
          page,
          backwards ? connectionOf(nodes.toReversed(), hasFrom, more) : connectionOf(nodes, more, hasFrom),
        );
      }
    }
    return pages.map((page) => results.get(page)!);
  };
  return new Loader(batch, (page) => `${page.parentId} ${nameOf(page)}`);
}

/** The same for pages that siblings may share a statement for. */
function nameOf({ size, from, backwards }: KeyPage): string {
  return `${size} ${backwards} ${from ?? ''}`;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): T[][] {
  return [...Map.groupBy(items, key).values()];
}
