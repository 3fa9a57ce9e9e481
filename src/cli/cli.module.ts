// The part of the service that administers: accounts, sessions and the log, without anything that listens.
import { type DynamicModule, Module } from '@nestjs/common';
import { AccessModule } from '../engine/access/access.module.js';
import type { ResourceRights } from '../engine/access/rights.js';
import { AccountsModule } from '../engine/accounts/accounts.module.js';
import { AuditModule } from '../engine/audit/audit.module.js';
import type { Config } from '../engine/config/config.js';
import { ConfigModule } from '../engine/config/config.module.js';
import { DatabaseModule } from '../engine/database/database.module.js';
import type { DatabaseContent } from '../engine/database/orm-options.js';
import type { EventConsequences } from '../engine/events/event-consequences.port.js';
import { EventsModule } from '../engine/events/events.module.js';
import { LimitsModule } from '../engine/limits/limits.module.js';
import { OperationsModule } from '../engine/operations/operations.module.js';
import { PubSubModule } from '../engine/pubsub/pubsub.module.js';
import { SessionsModule } from '../engine/sessions/sessions.module.js';

/** What the domain brings: its tables, how its resources give rights, and what it stores because of events. */
export interface Domain {
  readonly content: DatabaseContent;
  readonly rights: ResourceRights;
  readonly consequences: EventConsequences;
}

@Module({})
export class CliModule {
  static forRoot(config: Config, databaseUrl: string, { content, rights, consequences }: Domain): DynamicModule {
    return {
      module: CliModule,
      imports: [
        ConfigModule.forRoot(config),
        DatabaseModule.forRoot(databaseUrl, content, config.databasePoolSize),
        PubSubModule,
        OperationsModule,
        LimitsModule,
        AuditModule,
        EventsModule.forRoot(consequences),
        AccessModule.forRoot(rights),
        AccountsModule,
        SessionsModule,
      ],
    };
  }
}
