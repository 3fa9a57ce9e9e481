// Loads projects and members of many projects, in one statement each.
import { byId, inKeyOrder, Loader } from '../../engine/database/loaders.js';
import { type RowOf, shown } from '../../engine/database/shown.js';
import { childPages } from '../../engine/graphql/pagination/connection-loader.js';
import { ProjectEntity, ProjectMemberEntity } from './project.entity.js';
import { PROJECT_RESOURCE } from './project-role.js';

export const shownProject = shown(
  ProjectEntity,
  'id',
  'key',
  'name',
  'description',
  'budget',
  'version',
  'createdAt',
  'updatedAt',
  'deletedAt',
);
export type ProjectRow = RowOf<typeof shownProject>;

const shownMember = shown(ProjectMemberEntity, 'id', 'projectId', 'accountId', 'role', 'createdAt');
export type MemberRow = RowOf<typeof shownMember>;

/** Includes deleted ones: earlier events refer to them. */
export const projectById = byId(shownProject);

/** Projects that are not deleted, by key. */
export const projectByKey = new Loader<string, ProjectRow | undefined>(async (reader, keys) => {
  const sql = `select ${shownProject.columns} from project where key = any(string_to_array(?, ',')) and deleted_at is null`;
  return inKeyOrder(keys, await reader.rows<ProjectRow>(sql, [keys.join(',')]), ({ key }) => key);
});

/** Members of a deleted project are not shown. */
export const OF_PROJECT = {
  parent: 'projectId',
  parentCondition: 'exists (select from project where project.id = parent.id and project.deleted_at is null)',
} as const;

export const memberPages = childPages({ shown: shownMember, ...OF_PROJECT });

const LEADS = `
select lead.* from unnest(string_to_array(?, ',')::uuid[]) as asked (id)
 cross join lateral (select ${shownMember.columns} from project_member
                      where project_id = any(array[asked.id]) and role = 'OWNER' order by project_id, id limit 1) as lead`;

/** The lead of a project: the OWNER with the longest membership. */
export const leadOfProject = new Loader<string, MemberRow | undefined>(async (reader, ids) => {
  const leads = await reader.rows<MemberRow>(LEADS, [ids.join(',')]);
  return inKeyOrder(ids, leads, (lead) => lead.projectId);
});

/** A project, and the log position that the reading instance had applied. */
export interface ProjectAt {
  readonly id: string;
  readonly pos: number;
}

/**
 * The newest event up to that position; if all of those were pruned, the one before the first later event, or the newest of all.
 * One snapshot, using only indexes of the log.
 */
const LAST_SEQS = `
select asked.id, asked.pos::float8 as pos, coalesce(
    (select seq from event where resource_kind = '${PROJECT_RESOURCE}' and resource_id = asked.id and pos <= asked.pos
      order by resource_kind, resource_id, pos desc limit 1),
    (select seq - 1 from event where resource_kind = '${PROJECT_RESOURCE}' and resource_id = asked.id and pos > asked.pos
      order by resource_kind, resource_id, pos limit 1),
    (select seq from log_counter where resource_kind = '${PROJECT_RESOURCE}' and resource_id = asked.id), 0)::int as seq
  from unnest(string_to_array(?, ',')::uuid[], string_to_array(?, ',')::bigint[]) as asked (id, pos)`;

/** `seq` of the newest event of a project up to the applied position, so that data read with it is at least as new. */
export const lastSeqOfProject = new Loader<ProjectAt, number>(
  async (reader, asked) => {
    const places = [asked.map(({ id }) => id).join(','), asked.map(({ pos }) => pos).join(',')];
    const rows = await reader.rows<ProjectAt & { readonly seq: number }>(LAST_SEQS, places);
    const seqs = new Map(rows.map((row) => [placeOf(row), row.seq]));
    return asked.map((one) => seqs.get(placeOf(one)) ?? 0);
  },
  (one) => placeOf(one),
);

const BY_PAIR = `
select ${shownMember.of('member')}
  from unnest(string_to_array(?, ',')::uuid[], string_to_array(?, ',')::uuid[]) as asked (project_id, account_id)
  join project_member member on member.project_id = asked.project_id and member.account_id = asked.account_id`;

/** A membership by project and account. */
export const memberByPair = new Loader<string, MemberRow | undefined>(async (reader, pairs) => {
  const split = pairs.map((pair) => pair.split('/') as [string, string]);
  const lists = [split.map(([projectId]) => projectId).join(','), split.map(([, accountId]) => accountId).join(',')];
  const members = await reader.rows<MemberRow>(BY_PAIR, lists);
  return inKeyOrder(pairs, members, (member) => pairOf(member.projectId, member.accountId));
});

export function pairOf(projectId: string, accountId: string): string {
  return `${projectId}/${accountId}`;
}

function placeOf({ id, pos }: ProjectAt): string {
  return `${id} ${pos}`;
}
