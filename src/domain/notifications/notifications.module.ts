import { Module } from '@nestjs/common';
import { Metrics } from '../../engine/monitoring/metrics.js';
import { AnnouncementResolver } from './announcement.resolver.js';
import { AnnouncementService } from './announcement.service.js';
import { NotificationConnectionResolver, NotificationResolver } from './notification.resolver.js';
import { NotificationRetention } from './notification.retention.js';
import { NotificationService } from './notification.service.js';
import { droppedNotifications } from './notifications-of-events.js';
import { queueOverflows } from './queue-overflows.js';
import { PresenceResolver } from './presence.resolver.js';
import { WatchingResolver } from './watching.resolver.js';

@Module({
  providers: [
    AnnouncementResolver,
    AnnouncementService,
    NotificationConnectionResolver,
    NotificationResolver,
    NotificationRetention,
    NotificationService,
    PresenceResolver,
    WatchingResolver,
  ],
})
export class NotificationsModule {
  constructor({ registry }: Metrics) {
    registry.registerMetric(droppedNotifications);
    registry.registerMetric(queueOverflows);
  }
}
