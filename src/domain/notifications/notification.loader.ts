// Loads notifications by id, many in one statement.
import { inKeyOrder, Loader } from '../../engine/database/loaders.js';
import { type Notification, NotificationEntity } from './notification.entity.js';

export const notificationById = new Loader<string, Notification | undefined>(async (em, ids) => {
  const notifications = await em.find(NotificationEntity, { id: { $in: [...ids] } });
  return inKeyOrder(ids, notifications, ({ id }) => id);
});
