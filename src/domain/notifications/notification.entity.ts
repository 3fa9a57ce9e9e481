// Tables of notifications and announcements.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** Reason for a notification. */
export enum NotificationKind {
  MENTION = 'MENTION',
  MEMBERSHIP = 'MEMBERSHIP',
  ROLE = 'ROLE',
}

export const NotificationEntity = defineEntity({
  name: 'Notification',
  tableName: 'notification',
  properties: {
    id: p.uuid().primary(),
    accountId: p.uuid(),
    kind: p.enum(() => NotificationKind),
    actorId: p.uuid(),
    projectId: p.uuid().nullable(),
    /** The object that mentions the account. It may have been removed. */
    subjectKind: p.text().$type<'UPDATE' | 'COMMENT'>().nullable(),
    subjectId: p.uuid().nullable(),
    /** The role that the account received, in the project or in the installation. */
    role: p.text().nullable(),
    createdAt: p.datetime(3),
    readAt: p.datetime(3).nullable(),
  },
});

export const AnnouncementEntity = defineEntity({
  name: 'Announcement',
  tableName: 'announcement',
  properties: {
    id: p.uuid().primary(),
    message: p.text(),
    authorId: p.uuid(),
    createdAt: p.datetime(3),
  },
});

export type Notification = InferEntity<typeof NotificationEntity>;
export type Announcement = InferEntity<typeof AnnouncementEntity>;
