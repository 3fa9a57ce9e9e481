// Projects and members of many, in one statement each.
import { byId, inKeyOrder, Loader } from '../../engine/database/loaders.js';
import { fromRow, type Row } from '../../engine/database/rows.js';
import { childPages } from '../../engine/graphql/connection-loader.js';
import { ProjectEntity, type ProjectMember, ProjectMemberEntity } from './project.entity.js';

/** Deleted ones too: events of the past still refer to them. */
export const projectById = byId(ProjectEntity);

/** Nothing hangs on a project that is deleted. */
export const OF_PROJECT = {
  parentColumn: 'project_id',
  parentCondition: 'exists (select from project where project.id = parent.id and project.deleted_at is null)',
};

export const memberPages = childPages({
  entity: ProjectMemberEntity,
  table: 'project_member',
  ...OF_PROJECT,
});

const LEADS = `
select lead.* from unnest(string_to_array(?, ',')::uuid[]) as asked (id)
 cross join lateral (select * from project_member
                      where project_id = any(array[asked.id]) and role = 'OWNER' order by project_id, id limit 1) as lead`;

/** The lead of a project: of its OWNERs the one who has been a member longest. */
export const leadOfProject = new Loader<string, ProjectMember | undefined>(async (em, ids) => {
  const rows = await em.execute<Row[]>(LEADS, [ids.join(',')]);
  const leads = rows.map((row) => fromRow(em, ProjectMemberEntity, row));
  return inKeyOrder(ids, leads, (lead) => lead.projectId);
});

/** A membership by project and account. */
export const memberByPair = new Loader<string, ProjectMember | undefined>(async (em, pairs) => {
  const split = pairs.map((pair) => pair.split('/') as [string, string]);
  const where = { $or: split.map(([projectId, accountId]) => ({ projectId, accountId })) };
  const members = await em.find(ProjectMemberEntity, where);
  return inKeyOrder(pairs, members, (member) => pairOf(member.projectId, member.accountId));
});

export function pairOf(projectId: string, accountId: string): string {
  return `${projectId}/${accountId}`;
}
