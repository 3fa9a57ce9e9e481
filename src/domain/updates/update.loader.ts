// Updates and comments of many, in one statement each.
import { inKeyOrder, Loader } from '../../engine/database/loaders.js';
import { childPage, childPages } from '../../engine/graphql/connection-loader.js';
import { type Comment, CommentEntity, type Update, UpdateEntity } from './update.entity.js';

export const updateById = new Loader<string, Update | undefined>(async (em, ids) => {
  const updates = await em.find(UpdateEntity, { id: { $in: [...ids] } });
  return inKeyOrder(ids, updates, (update) => update.id);
});

export const commentById = new Loader<string, Comment | undefined>(async (em, ids) => {
  const comments = await em.find(CommentEntity, { id: { $in: [...ids] } });
  return inKeyOrder(ids, comments, (comment) => comment.id);
});

export const updatePages = childPages({ entity: UpdateEntity, table: 'project_update', parentColumn: 'project_id' });
export const projectCommentPages = childPages({ entity: CommentEntity, table: 'comment', parentColumn: 'project_id' });
export const updateCommentPages = childPages({ entity: CommentEntity, table: 'comment', parentColumn: 'update_id' });

/** The newest update of a project. */
export const latestUpdate = new Loader<string, Update | undefined>(async (em, projectIds) => {
  const pages = await updatePages.batch(
    em,
    projectIds.map((parentId) => childPage(parentId, { first: 1 })),
  );
  return pages.map((page) => page.nodes[0]);
});
