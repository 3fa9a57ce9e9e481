// Pages of children, for many parents in one statement: the first pages of 50 parents cost one statement.
import { type Batch, Loader } from '../../database/loaders.js';
import { columnOf, type Shown } from '../../database/shown.js';
import {
  type Connection,
  connectionFrom,
  firstOf,
  type Keyed,
  keyPage,
  type KeyPage,
  type PageArgs,
} from './connection.js';

/** A page of one parent's children. */
export interface ChildPage extends KeyPage {
  readonly parentId: string;
}

/** The page of `parentId` that `args` request. Throws BAD_USER_INPUT before it is batched with valid requests. */
export function childPage(parentId: string, args: PageArgs): ChildPage {
  return { parentId, ...keyPage(args) };
}

/** Where the children are. `parent`: the property that names the parent, whose column begins the index of pages. */
export interface Children<R> {
  readonly shown: Shown<R>;
  readonly parent: keyof R & string;
  /** SQL, of `parent.id`: a parent for which it does not hold has no children to show. */
  readonly parentCondition?: string;
}

/** A loader of pages, newest first. Siblings with the same page size, cursor and direction share a statement. */
export function childPages<R extends Keyed>(children: Children<R>): Loader<ChildPage, Connection<R>> {
  const parentOf = (row: R) => row[children.parent] as string;
  const batch: Batch<ChildPage, Connection<R>> = async (reader, pages) => {
    const results = new Map<ChildPage, Connection<R>>();
    const read = async (group: readonly ChildPage[]): Promise<void> => {
      const { size, from } = group[0]!;
      const parents = [...new Set(group.map(({ parentId }) => parentId))].join(',');
      const rows = await reader.rows<R>(statement(children, group[0]!), [parents, ...(from ? [from] : []), size + 1]);
      const byParent = Map.groupBy(rows, parentOf);
      for (const page of group) results.set(page, connectionFrom(byParent.get(page.parentId) ?? [], page));
    };
    await Promise.all([...Map.groupBy(pages, nameOf).values()].map(read));
    return pages.map((page) => results.get(page)!);
  };
  return new Loader(batch, (page) => `${page.parentId} ${nameOf(page)}`);
}

/**
 * In the order of the index of parents and ids, which no other has. Were it that of ids alone, PostgreSQL could go through the children of
 * all parents, the newest first, where it thinks that this parent's are among them. (`= any` keeps the parent in it.)
 */
function statement<R>({ shown, parent, parentCondition = 'true' }: Children<R>, { from, backwards }: KeyPage): string {
  const [beyond, order] = backwards ? ['>', 'asc'] : ['<', 'desc'];
  const column = columnOf(parent);
  return `
select child.*
  from (select id from unnest(string_to_array(?, ',')::uuid[]) as parent(id) where ${parentCondition}) parent
 cross join lateral (
  ${firstOf(`select ${shown.columns} from ${shown.table}
   where ${column} = any(array[parent.id]) ${from ? `and id ${beyond} ?::uuid` : ''} order by ${column} ${backwards ? 'desc' : 'asc'}, id ${order}`)}
) child`;
}

/** The same for pages that siblings may share a statement for. */
function nameOf({ size, from, backwards }: KeyPage): string {
  return `${size} ${backwards} ${from ?? ''}`;
}
