// Every table and every migration of the application, in order: what the ORM, its command line and the tests are given.
import { DomainMigration } from './domain/migrations/20261121000002-domain.js';
import { NotificationRetentionMigration } from './domain/migrations/20261121000007-notification-retention.js';
import { EarlyInstallationsMigration } from './domain/migrations/20261128000001-early-installations.js';
import { LargeDomainTablesMigration } from './domain/migrations/20261128000003-large-tables.js';
import { CommentVersionsMigration } from './domain/migrations/20261128000401-comment-versions.js';
import { ProjectStatesMigration } from './domain/migrations/20261128000402-project-states.js';
import { AnnouncementEntity, NotificationEntity } from './domain/notifications/notification.entity.js';
import { ProjectEntity, ProjectMemberEntity } from './domain/projects/project.entity.js';
import { ProjectActivityEntity, ProjectStateEntity } from './domain/projects/project-state.entity.js';
import { CommentEntity, UpdateEntity } from './domain/updates/update.entity.js';
import { AccountEntity } from './engine/accounts/account.entity.js';
import { FirstAdminEntity } from './engine/accounts/first-admin.js';
import { EngineMigration } from './engine/database/migrations/20261121000001-engine.js';
import { PasswordsMigration } from './engine/database/migrations/20261121000003-passwords.js';
import { AdministrationMigration } from './engine/database/migrations/20261121000004-administration.js';
import { KnownAddressesMigration } from './engine/database/migrations/20261121000005-known-addresses.js';
import { NodesMigration } from './engine/database/migrations/20261121000006-nodes.js';
import { SignInRetentionMigration } from './engine/database/migrations/20261121000008-sign-in-retention.js';
import { AccountSearchMigration } from './engine/database/migrations/20261128000005-account-search.js';
import { EndedSessionsMigration } from './engine/database/migrations/20261128000004-ended-sessions.js';
import { LargeTablesMigration } from './engine/database/migrations/20261128000002-large-tables.js';
import { RepeatedAuditEntriesMigration } from './engine/database/migrations/20261128000102-repeated-audit-entries.js';
import { SeveralResetLinksMigration } from './engine/database/migrations/20261128000101-several-reset-links.js';
import { AccountEmailKeyMigration } from './engine/database/migrations/20261128000201-account-email-key.js';
import type { DatabaseContent } from './engine/database/orm-options.js';
import { EventEntity, LogCounterEntity, LogHeadEntity } from './engine/events/log.entity.js';
import { AuditEntryEntity } from './engine/audit/audit.entity.js';
import { NodeEntity, NodeEntryEntity } from './engine/operations/node.entity.js';
import { KnownAddressEntity } from './engine/sessions/known-address.entity.js';
import { EarlierPasswordResetEntity, PasswordResetEntity } from './engine/sessions/password-reset.entity.js';
import { SessionEntity } from './engine/sessions/session.entity.js';

export const databaseContent: DatabaseContent = {
  entities: [
    AccountEntity,
    SessionEntity,
    PasswordResetEntity,
    EarlierPasswordResetEntity,
    KnownAddressEntity,
    EventEntity,
    LogHeadEntity,
    LogCounterEntity,
    AuditEntryEntity,
    NodeEntity,
    NodeEntryEntity,
    FirstAdminEntity,
    ProjectEntity,
    ProjectMemberEntity,
    ProjectStateEntity,
    ProjectActivityEntity,
    UpdateEntity,
    CommentEntity,
    NotificationEntity,
    AnnouncementEntity,
  ],
  migrations: [
    { name: '20261121000001-engine', class: EngineMigration },
    { name: '20261121000002-domain', class: DomainMigration },
    { name: '20261121000003-passwords', class: PasswordsMigration },
    { name: '20261121000004-administration', class: AdministrationMigration },
    { name: '20261121000005-known-addresses', class: KnownAddressesMigration },
    { name: '20261121000006-nodes', class: NodesMigration },
    { name: '20261121000007-notification-retention', class: NotificationRetentionMigration },
    { name: '20261121000008-sign-in-retention', class: SignInRetentionMigration },
    { name: '20261128000001-early-installations', class: EarlyInstallationsMigration },
    { name: '20261128000002-large-tables', class: LargeTablesMigration },
    { name: '20261128000003-large-tables', class: LargeDomainTablesMigration },
    { name: '20261128000004-ended-sessions', class: EndedSessionsMigration },
    { name: '20261128000005-account-search', class: AccountSearchMigration },
    { name: '20261128000101-several-reset-links', class: SeveralResetLinksMigration },
    { name: '20261128000102-repeated-audit-entries', class: RepeatedAuditEntriesMigration },
    { name: '20261128000201-account-email-key', class: AccountEmailKeyMigration },
    { name: '20261128000401-comment-versions', class: CommentVersionsMigration },
    { name: '20261128000402-project-states', class: ProjectStatesMigration },
  ],
};
