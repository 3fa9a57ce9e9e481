// The modules of the engine in import order, and the interface by which a domain describes its resources.
import { type DynamicModule, Module } from '@nestjs/common';
import { AccessModule } from './access/access.module.js';
import type { ResourceRights } from './access/rights.js';
import { AccountsModule } from './accounts/accounts.module.js';
import { AuditModule } from './audit/audit.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import type { DatabaseContent } from './database/orm-options.js';
import type { EventConsequences } from './events/event-consequences.port.js';
import { EventsModule } from './events/events.module.js';
import { GraphqlModule } from './graphql/graphql.module.js';
import { InstancesModule } from './instances/instances.module.js';
import { LimitsModule } from './limits/limits.module.js';
import { MailModule } from './mail/mail.module.js';
import { MonitoringModule } from './monitoring/monitoring.module.js';
import { PasswordsModule } from './passwords/passwords.module.js';
import { PubSubModule } from './pubsub/pubsub.module.js';
import { RealtimeModule } from './realtime/realtime.module.js';
import { SessionsModule } from './sessions/sessions.module.js';

/** What a domain provides to the engine. */
export interface Domain {
  /** All tables and migrations, including those of the engine. */
  readonly content: DatabaseContent;
  /** How its resources grant rights. */
  readonly rights: ResourceRights;
  /** What to store because of an event, in the transaction that appends it. */
  readonly consequences: EventConsequences;
  /** Its audit actions with their descriptions. */
  readonly auditActions: Readonly<Record<string, string>>;
  /** Domain-specific descriptions of the engine's schema elements, by schema coordinate (`Query.user`). */
  readonly descriptions: Readonly<Record<string, string>>;
}

/** The modules of account administration, without listeners: used by the command line. `config` must be complete. */
const administration = (
  config: Config,
  databaseUrl: string,
  { content, rights, consequences, auditActions }: Domain,
) => [
  ConfigModule.forRoot(config),
  DatabaseModule.forRoot(databaseUrl, content, config.databasePoolSize),
  PubSubModule,
  MonitoringModule,
  LimitsModule,
  MailModule,
  InstancesModule,
  EventsModule.forRoot(consequences),
  AccessModule.forRoot(rights),
  AuditModule.forRoot(auditActions),
  PasswordsModule,
  AccountsModule,
  SessionsModule,
];

@Module({})
export class EngineModule {
  static forAdministration(config: Config, databaseUrl: string, domain: Domain): DynamicModule {
    return { module: EngineModule, imports: administration(config, databaseUrl, domain) };
  }

  static forRoot(config: Config, databaseUrl: string, domain: Domain): DynamicModule {
    return {
      module: EngineModule,
      imports: [
        ...administration(config, databaseUrl, domain),
        GraphqlModule.forRoot(domain.descriptions),
        RealtimeModule,
      ],
    };
  }
}
