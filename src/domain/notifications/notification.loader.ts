// Loads notifications by id, many in one statement.
import { byId } from '../../engine/database/loaders.js';
import { type RowOf, shown } from '../../engine/database/shown.js';
import { NotificationEntity } from './notification.entity.js';

export const shownNotification = shown(
  NotificationEntity,
  'id',
  'accountId',
  'kind',
  'actorId',
  'projectId',
  'subjectKind',
  'subjectId',
  'role',
  'createdAt',
  'readAt',
);
export type NotificationRow = RowOf<typeof shownNotification>;

export const notificationById = byId(shownNotification);
