// Relay connections over keyset pagination: newest first, forwards and backwards, bounded.
// https://relay.dev/graphql/connections.htm
import type { Type } from '@nestjs/common';
import { ArgsType, Field, Int, ObjectType } from '@nestjs/graphql';
import { SameResource } from '../../access/sharing.js';
import type { Reader } from '../../database/reads.js';
import { allOf, type Condition, type Shown } from '../../database/shown.js';
import { BadUserInputError } from '../../errors/service-error.js';

export const DEFAULT_PAGE = 20;
export const MAX_PAGE = 100;

@ObjectType({ description: 'Position of a page in its list.' })
export class PageInfo {
  @Field({ description: 'Whether there are entries after this page.' })
  hasNextPage!: boolean;

  @Field({ description: 'Whether there are entries before this page.' })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first edge; null on an empty page.' })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the last edge; null on an empty page.' })
  endCursor!: string | null;
}

@ArgsType()
export class ForwardArgs {
  @Field(() => Int, {
    nullable: true,
    description: `How many from the start of the list, 1 to ${MAX_PAGE}; ${DEFAULT_PAGE} if absent.`,
  })
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'Begin after the edge with this cursor.' })
  after?: string | null;
}

@ArgsType()
export class PageArgs extends ForwardArgs {
  @Field(() => Int, { nullable: true, description: `How many from the end of the list, 1 to ${MAX_PAGE}.` })
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'End before the edge with this cursor.' })
  before?: string | null;
}

export interface Edge<T> {
  readonly cursor: string;
  readonly node: T;
}

export interface Connection<T> {
  readonly edges: readonly Edge<T>[];
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfo;
}

/** Declares `<name>Connection` and `<name>Edge` for the object type `node`: a page belongs where its entries do. */
export function connectionType<T extends object>(node: () => Type<T>, name: string): Type<Connection<T>> {
  @ObjectType(`${name}Edge`, { description: 'An entry of a page with its cursor.' })
  class EdgeType {
    @Field({ description: 'Opaque position of this edge, for `after` and `before`.' })
    cursor!: string;

    @SameResource()
    @Field(node, { description: 'The entry.' })
    node!: T;
  }

  @ObjectType({ isAbstract: true })
  class ConnectionType {
    @SameResource()
    @Field(() => [EdgeType], { description: 'The page, each with its cursor.' })
    edges!: EdgeType[];

    @SameResource()
    @Field(() => [node()], { description: 'The entries of the page without cursors.' })
    nodes!: T[];

    @Field(() => PageInfo, { description: 'Position of this page in the list.' })
    pageInfo!: PageInfo;
  }
  return ConnectionType;
}

export interface Page {
  readonly first?: number;
  readonly last?: number;
  readonly after?: string;
  readonly before?: string;
}

/** Rows whose ids sort by time (UUID version 7). */
export interface Keyed {
  readonly id: string;
}

/** One page of a table under all conditions, newest first, in one statement. Throws BAD_USER_INPUT for arguments it cannot take. */
export async function paginate<R extends Keyed>(
  reader: Reader,
  { table, columns }: Shown<R>,
  conditions: readonly Condition[],
  args: PageArgs,
): Promise<Connection<R>> {
  const page = keyPage(args);
  const { from, backwards } = page;
  const [where, ...values] = allOf([
    ...conditions,
    ...(from ? [[`id ${backwards ? '>' : '<'} ?::uuid`, from] as const] : []),
  ]);
  const sql = firstOf(`select ${columns} from ${table} where ${where} order by id ${backwards ? 'asc' : 'desc'}`);
  return connectionFrom(await reader.rows<R>(sql, [...values, page.size + 1]), page);
}

/**
 * The first rows of a sorted statement, as many as a parameter says. One plan serves all pages: the constant tells PostgreSQL how few rows
 * they are, so that it reads them in the order of an index. Otherwise it expects a tenth of all, and may sort them.
 */
export function firstOf(sorted: string): string {
  return `select * from (${sorted} limit ${MAX_PAGE + 1}) as most limit ?`;
}

/** The connection of a page: of the rows from where it begins on, one more than its size if there are that many. */
export function connectionFrom<R extends Keyed>(
  found: readonly R[],
  { size, from, backwards }: KeyPage,
): Connection<R> {
  const [rows, more, hasFrom] = [found.slice(0, size), found.length > size, from !== undefined];
  return backwards ? connectionOf(rows.toReversed(), hasFrom, more) : connectionOf(rows, more, hasFrom);
}

/** A connection of `nodes`, which are in order already. */
export function connectionOf<T extends Keyed>(
  nodes: readonly T[],
  hasNextPage: boolean,
  hasPreviousPage: boolean,
): Connection<T> {
  return connectionBy((node) => encodeKey([node.id]), nodes, hasNextPage, hasPreviousPage);
}

/** The same in another order than that of ids: `cursorOf` names the place of each. Cursors are made when they are read. */
export function connectionBy<T>(
  cursorOf: (node: T) => string,
  nodes: readonly T[],
  hasNextPage: boolean,
  hasPreviousPage: boolean,
): Connection<T> {
  const edges = nodes.map((node) => new EdgeOf(node, cursorOf));
  return { edges, nodes, pageInfo: new PageInfoOf(edges, hasNextPage, hasPreviousPage) };
}

class EdgeOf<T> implements Edge<T> {
  constructor(
    readonly node: T,
    private readonly cursorOf: (node: T) => string,
  ) {}

  get cursor(): string {
    return this.cursorOf(this.node);
  }
}

class PageInfoOf implements PageInfo {
  constructor(
    private readonly edges: readonly Edge<unknown>[],
    readonly hasNextPage: boolean,
    readonly hasPreviousPage: boolean,
  ) {}

  get startCursor(): string | null {
    return this.edges[0]?.cursor ?? null;
  }

  get endCursor(): string | null {
    return this.edges.at(-1)?.cursor ?? null;
  }
}

/** A page as far as `size` from an end of its list, or from the id that a cursor stands for. */
export interface KeyPage {
  readonly size: number;
  readonly from: string | undefined;
  /** From the end, or from before `from`. */
  readonly backwards: boolean;
}

/** The page that `args` request. Throws BAD_USER_INPUT. */
export function keyPage(args: PageArgs): KeyPage {
  const { first, after, last, before } = pageOf(args);
  const cursor = after ?? before;
  return {
    size: (first ?? last)!,
    from: cursor === undefined ? undefined : keyOf(cursor),
    backwards: last !== undefined,
  };
}

/** Opaque text for a position in a list. */
export function encodeKey(key: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** The key that {@link encodeKey} has encoded; `undefined` for any other text. */
export function decodeKey(cursor: string): readonly unknown[] | undefined {
  try {
    const decoded: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(decoded) ? (decoded as unknown[]) : undefined;
  } catch {
    return undefined;
  }
}

/** The arguments as the ORM takes them, all problems named together. `isCursor`: whether a text is a place in the list. */
export function pageOf(
  { first, after, last, before }: PageArgs,
  isCursor = (cursor: string) => keyOf(cursor) !== undefined,
): Page {
  const cursorProblem = (path: string, cursor: string | null | undefined) =>
    cursor == null || isCursor(cursor) ? [] : [{ path, message: 'is not a cursor of a list' }];
  const problems = [
    ...sizeProblem('first', first),
    ...sizeProblem('last', last),
    ...cursorProblem('after', after),
    ...cursorProblem('before', before),
  ];
  const backwards = last != null || before != null;
  if (backwards && (first != null || after != null)) {
    problems.push({ path: last != null ? 'last' : 'before', message: 'cannot be combined with first or after' });
  }
  if (problems.length > 0) throw new BadUserInputError(problems);
  return backwards
    ? { last: last ?? DEFAULT_PAGE, ...(before == null ? {} : { before }) }
    : { first: first ?? DEFAULT_PAGE, ...(after == null ? {} : { after }) };
}

function sizeProblem(path: string, size: number | null | undefined) {
  const wrong = size != null && (size < 1 || size > MAX_PAGE);
  return wrong ? [{ path, message: `must be between 1 and ${MAX_PAGE}` }] : [];
}

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id in a cursor; `undefined` for any other text. */
function keyOf(cursor: string): string | undefined {
  const [key, ...rest] = decodeKey(cursor) ?? [];
  return typeof key === 'string' && UUID.test(key) && rest.length === 0 ? key : undefined;
}
