// Loads updates and comments of many parents, in one statement each.
import { byId, Loader } from '../../engine/database/loaders.js';
import { type RowOf, shown } from '../../engine/database/shown.js';
import { childPage, childPages } from '../../engine/graphql/pagination/connection-loader.js';
import { OF_PROJECT } from '../projects/project.loader.js';
import { CommentEntity, UpdateEntity } from './update.entity.js';

const shownUpdate = shown(
  UpdateEntity,
  'id',
  'projectId',
  'authorId',
  'title',
  'body',
  'health',
  'internalNote',
  'version',
  'createdAt',
  'editedAt',
);
export type UpdateRow = RowOf<typeof shownUpdate>;

const shownComment = shown(
  CommentEntity,
  'id',
  'projectId',
  'updateId',
  'authorId',
  'body',
  'version',
  'createdAt',
  'editedAt',
);
export type CommentRow = RowOf<typeof shownComment>;

/** What a rule needs to know of them. */
export const updatePlace = byId(shown(UpdateEntity, 'id', 'projectId'));
export const commentPlace = byId(shown(CommentEntity, 'id', 'projectId', 'authorId'));

export const updateById = byId(shownUpdate);
export const commentById = byId(shownComment);

export const updatePages = childPages({ shown: shownUpdate, ...OF_PROJECT });
export const projectCommentPages = childPages({ shown: shownComment, ...OF_PROJECT });
export const updateCommentPages = childPages({ shown: shownComment, parent: 'updateId' });

/** The newest update of a project. */
export const latestUpdate = new Loader<string, UpdateRow | undefined>(async (reader, projectIds) => {
  const pages = await updatePages.batch(
    reader,
    projectIds.map((parentId) => childPage(parentId, { first: 1 })),
  );
  return pages.map((page) => page.nodes[0]);
});
