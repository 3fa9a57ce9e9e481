import { Module } from '@nestjs/common';
import { AnnouncementResolver } from './announcement.resolver.js';
import { AnnouncementService } from './announcement.service.js';
import { NotificationConnectionResolver, NotificationResolver } from './notification.resolver.js';
import { NotificationRetention } from './notification.retention.js';
import { NotificationService } from './notification.service.js';
import { PresenceResolver } from './presence.resolver.js';

@Module({
  providers: [
    AnnouncementResolver,
    AnnouncementService,
    NotificationConnectionResolver,
    NotificationResolver,
    NotificationRetention,
    NotificationService,
    PresenceResolver,
  ],
})
export class NotificationsModule {}
