// Mapped tables of the engine, and all of its migrations in the order of their names. Other tables are used by SQL alone.
import { AccountEntity } from './accounts/account.entity.js';
import { SessionEntity } from './sessions/session.entity.js';
import { AuditEntryEntity } from './audit/audit.entity.js';
import { EngineMigration } from './database/migrations/20261121000001-engine.js';
import { PasswordsMigration } from './database/migrations/20261121000003-passwords.js';
import { AdministrationMigration } from './database/migrations/20261121000004-administration.js';
import { KnownAddressesMigration } from './database/migrations/20261121000005-known-addresses.js';
import { NodesMigration } from './database/migrations/20261121000006-nodes.js';
import { SignInRetentionMigration } from './database/migrations/20261121000008-sign-in-retention.js';
import { LargeTablesMigration } from './database/migrations/20261128000002-large-tables.js';
import { EndedSessionsMigration } from './database/migrations/20261128000004-ended-sessions.js';
import { AccountSearchMigration } from './database/migrations/20261128000005-account-search.js';
import { SeveralResetLinksMigration } from './database/migrations/20261128000101-several-reset-links.js';
import { RepeatedAuditEntriesMigration } from './database/migrations/20261128000102-repeated-audit-entries.js';
import { AccountEmailKeyMigration } from './database/migrations/20261128000201-account-email-key.js';
import { EventPositionsMigration } from './database/migrations/20261129000002-event-positions.js';
import { LogAppendMigration } from './database/migrations/20261129000003-log-append.js';
import { SignInsMigration } from './database/migrations/20261129000005-sign-ins.js';
import type { DatabaseContent } from './database/orm-options.js';

export const engineContent: DatabaseContent = {
  entities: [AccountEntity, SessionEntity, AuditEntryEntity],
  migrations: [
    { name: '20261121000001-engine', class: EngineMigration },
    { name: '20261121000003-passwords', class: PasswordsMigration },
    { name: '20261121000004-administration', class: AdministrationMigration },
    { name: '20261121000005-known-addresses', class: KnownAddressesMigration },
    { name: '20261121000006-nodes', class: NodesMigration },
    { name: '20261121000008-sign-in-retention', class: SignInRetentionMigration },
    { name: '20261128000002-large-tables', class: LargeTablesMigration },
    { name: '20261128000004-ended-sessions', class: EndedSessionsMigration },
    { name: '20261128000005-account-search', class: AccountSearchMigration },
    { name: '20261128000101-several-reset-links', class: SeveralResetLinksMigration },
    { name: '20261128000102-repeated-audit-entries', class: RepeatedAuditEntriesMigration },
    { name: '20261128000201-account-email-key', class: AccountEmailKeyMigration },
    { name: '20261129000002-event-positions', class: EventPositionsMigration },
    { name: '20261129000003-log-append', class: LogAppendMigration },
    { name: '20261129000005-sign-ins', class: SignInsMigration },
  ],
};
