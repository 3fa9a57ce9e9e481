// The whole service: the engine, with what the domain tells it, and the domain's modules.
import { type DynamicModule, Module } from '@nestjs/common';
import { DemoController } from './demo/demo.controller.js';
import { FeedModule } from './domain/feed/feed.module.js';
import { NotificationsModule } from './domain/notifications/notifications.module.js';
import { ProjectsModule } from './domain/projects/projects.module.js';
import { UpdatesModule } from './domain/updates/updates.module.js';
import { domainOf } from './domain-parts.js';
import type { AppConfig } from './boot/settings.js';
import { EngineModule } from './engine/engine.module.js';

@Module({})
export class AppModule {
  /** The whole service over the database at `databaseUrl`. `config` must be complete. */
  static forRoot(config: AppConfig, databaseUrl: string): DynamicModule {
    return {
      module: AppModule,
      controllers: [DemoController],
      imports: [
        EngineModule.forRoot(config, databaseUrl, domainOf(config.rateLimits)),
        ProjectsModule,
        UpdatesModule,
        NotificationsModule,
        FeedModule,
      ],
    };
  }
}
