// The only list of modules: the engine's, with what the domain tells it, and the domain's.
import { type DynamicModule, Module } from '@nestjs/common';
import { databaseContent } from './database-content.js';
import { consequencesOfEvents } from './domain/notifications/consequences-of-events.js';
import { NotificationsModule } from './domain/notifications/notifications.module.js';
import { projectRights } from './domain/projects/project-events.js';
import { ProjectsModule } from './domain/projects/projects.module.js';
import { UpdatesModule } from './domain/updates/updates.module.js';
import { AccessModule } from './engine/access/access.module.js';
import { AccountsModule } from './engine/accounts/accounts.module.js';
import { AuditModule } from './engine/audit/audit.module.js';
import type { Config } from './engine/config/config.js';
import { ConfigModule } from './engine/config/config.module.js';
import { DatabaseModule } from './engine/database/database.module.js';
import { EventsModule } from './engine/events/events.module.js';
import { GraphqlModule } from './engine/graphql/graphql.module.js';
import { LimitsModule } from './engine/limits/limits.module.js';
import { MonitoringModule } from './engine/monitoring/monitoring.module.js';
import { OperationsModule } from './engine/operations/operations.module.js';
import { PubSubModule } from './engine/pubsub/pubsub.module.js';
import { RealtimeModule } from './engine/realtime/realtime.module.js';
import { SessionsModule } from './engine/sessions/sessions.module.js';
import { LandingController } from './boot/landing.controller.js';

@Module({})
export class AppModule {
  /** The whole service over the database at `databaseUrl`. `config` must be complete. */
  static forRoot(config: Config, databaseUrl: string): DynamicModule {
    return {
      module: AppModule,
      controllers: [LandingController],
      imports: [
        ConfigModule.forRoot(config),
        DatabaseModule.forRoot(databaseUrl, databaseContent, config.databasePoolSize),
        PubSubModule,
        OperationsModule,
        MonitoringModule,
        LimitsModule,
        AuditModule,
        EventsModule.forRoot(consequencesOfEvents(config.rateLimits)),
        AccessModule.forRoot(projectRights),
        GraphqlModule,
        AccountsModule,
        SessionsModule,
        RealtimeModule,
        ProjectsModule,
        UpdatesModule,
        NotificationsModule,
      ],
    };
  }
}
