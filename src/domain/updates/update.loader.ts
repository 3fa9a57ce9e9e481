// Loads updates and comments of many parents, in one statement each.
import { byId, Loader } from '../../engine/database/loaders.js';
import { childPage, childPages } from '../../engine/graphql/pagination/connection-loader.js';
import { OF_PROJECT } from '../projects/project.loader.js';
import { CommentEntity, type Update, UpdateEntity } from './update.entity.js';

export const updateById = byId(UpdateEntity);
export const commentById = byId(CommentEntity);

export const updatePages = childPages({ entity: UpdateEntity, table: 'project_update', ...OF_PROJECT });
export const projectCommentPages = childPages({ entity: CommentEntity, table: 'comment', ...OF_PROJECT });
export const updateCommentPages = childPages({ entity: CommentEntity, table: 'comment', parentColumn: 'update_id' });

/** The newest update of a project. */
export const latestUpdate = new Loader<string, Update | undefined>(async (em, projectIds) => {
  const pages = await updatePages.batch(
    em,
    projectIds.map((parentId) => childPage(parentId, { first: 1 })),
  );
  return pages.map((page) => page.nodes[0]);
});
