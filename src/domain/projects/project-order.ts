// Pages of projects sorted by health, latest update or name; each order is served by one index.
import type { Reader } from '../../engine/database/reads.js';
import { allOf, type Condition } from '../../engine/database/shown.js';
import { containsText } from '../../engine/database/text-search.js';
import {
  type Connection,
  connectionBy,
  decodeKey,
  encodeKey,
  firstOf,
  type PageArgs,
  pageOf,
  UUID,
} from '../../engine/graphql/pagination/connection.js';
import { Health } from './health.js';
import { type ProjectRow, shownProject } from './project.loader.js';

/** Order of a list of projects. */
export enum ProjectOrder {
  HEALTH = 'HEALTH',
  LATEST_UPDATE = 'LATEST_UPDATE',
  NAME = 'NAME',
}

interface Order {
  /** Sort keys with their SQL types; the last one is the id. */
  readonly keys: readonly (readonly [expression: string, type: string])[];
  readonly direction: 'asc' | 'desc';
}

const ID = ['state.project_id', 'uuid'] as const;
const LATEST = ['state.latest_update_id', 'uuid'] as const;
const ORDERS: Readonly<Record<ProjectOrder, Order>> = {
  HEALTH: { keys: [['state.health_rank', 'smallint'], LATEST, ID], direction: 'desc' },
  LATEST_UPDATE: { keys: [LATEST, ID], direction: 'desc' },
  NAME: {
    keys: [
      ['lower(project.name)', 'text'],
      ['project.id', 'uuid'],
    ],
    direction: 'asc',
  },
};

/** As the column has them. */
export const HEALTH_RANKS: Readonly<Record<Health, number>> = {
  [Health.ON_TRACK]: 1,
  [Health.AT_RISK]: 2,
  [Health.OFF_TRACK]: 3,
};

/** Which projects: those of one account, or all. */
export interface Listed {
  readonly memberId: string | undefined;
  readonly health?: readonly Health[] | null | undefined;
  readonly search?: string | undefined;
}

/** One page in this order, in one statement. Throws BAD_USER_INPUT. */
export async function orderedProjects(
  reader: Reader,
  orderBy: ProjectOrder,
  listed: Listed,
  args: PageArgs,
): Promise<Connection<ProjectRow>> {
  const { keys, direction } = ORDERS[orderBy];
  const page = pageOf(args, (cursor) => placeIn(orderBy, cursor) !== undefined);
  const backwards = page.last !== undefined;
  const size = (page.first ?? page.last)!;
  const cursor = page.after ?? page.before;
  const ascending = (direction === 'asc') !== backwards;
  const [where, ...values] = allOf([
    ...conditionsOf(listed),
    ...(cursor ? [beyond(orderBy, ascending ? '>' : '<', placeIn(orderBy, cursor)!)] : []),
  ]);
  const order = keys.map(([column]) => `${column} ${ascending ? 'asc' : 'desc'}`).join(', ');
  const places = keys.map(([column], at) => `${column} as place_${at}`).join(', ');
  const sql = firstOf(`
    select ${shownProject.of('project')}, ${places} from project join project_state state on state.project_id = project.id
     where ${where} order by ${order}`);
  const found = await reader.rows<PlacedRow>(sql, [...values, size + 1]);
  const rows = backwards ? found.slice(0, size).toReversed() : found.slice(0, size);
  const cursorOf = (row: PlacedRow) => encodeKey([orderBy, ...keys.map((_, at) => row[`place_${at}`])]);
  const [more, from] = [found.length > size, cursor !== undefined];
  return connectionBy(cursorOf, rows, backwards ? from : more, backwards ? more : from);
}

/** A project, and where it is in the order: its sort keys. */
type PlacedRow = ProjectRow & Readonly<Record<`place_${number}`, unknown>>;

function conditionsOf({ memberId, health, search }: Listed): readonly Condition[] {
  const member = 'select from project_member member where member.project_id = project.id and member.account_id = ?';
  return [
    ['project.deleted_at is null'],
    ...(memberId ? [[`exists (${member})`, memberId] as const] : []),
    ...(health ? [[`state.health_rank = any(string_to_array(?, ',')::smallint[])`, ranksOf(health)] as const] : []),
    ...(search ? [containsText(['project.name', 'project.key'], search)] : []),
  ];
}

/** On that side of a place in the order. */
function beyond(orderBy: ProjectOrder, side: '>' | '<', place: readonly (string | number)[]): Condition {
  const { keys } = ORDERS[orderBy];
  const [columns, values] = [keys.map(([column]) => column), keys.map(([, type]) => `?::${type}`)];
  return [`(${columns.join(', ')}) ${side} (${values.join(', ')})`, ...place];
}

/** The position that a cursor of this order names; `undefined` if it is malformed. */
function placeIn(orderBy: ProjectOrder, cursor: string): readonly (string | number)[] | undefined {
  const [order, ...place] = decodeKey(cursor) ?? [];
  const { keys } = ORDERS[orderBy];
  const fits = keys.every(([, type], at) => isOfType(place[at], type));
  return order === orderBy && place.length === keys.length && fits ? (place as (string | number)[]) : undefined;
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'smallint') return typeof value === 'number' && Object.values(HEALTH_RANKS).concat(0).includes(value);
  // PostgreSQL refuses text with a NUL character.
  return typeof value === 'string' && (type === 'uuid' ? UUID.test(value) : !value.includes('\0'));
}

function ranksOf(health: readonly Health[]): string {
  return health.map((one) => HEALTH_RANKS[one]).join(',');
}
