// Finds the project of an id, which may name a project, an update or a comment, in one statement.
import { inKeyOrder, Loader } from '../../engine/database/loaders.js';

export interface NodePlace {
  readonly id: string;
  readonly type: 'Project' | 'ProjectUpdate' | 'Comment';
  readonly projectId: string;
}

const ASKED = `string_to_array(?, ',')::uuid[]`;
const alive = (table: string) =>
  `exists (select from project where project.id = ${table}.project_id and project.deleted_at is null)`;

/** Updates and comments of a deleted project are not found. */
const PLACES = `
select id, 'Project' as type, id as "projectId" from project where id = any(${ASKED}) and deleted_at is null
union all
select id, 'ProjectUpdate', project_id from project_update where id = any(${ASKED}) and ${alive('project_update')}
union all
select id, 'Comment', project_id from comment where id = any(${ASKED}) and ${alive('comment')}`;

export const nodePlace = new Loader<string, NodePlace | undefined>(async (reader, ids) => {
  const asked = ids.join(',');
  return inKeyOrder(ids, await reader.rows<NodePlace>(PLACES, [asked, asked, asked]), ({ id }) => id);
});
