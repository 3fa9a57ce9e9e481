// What the ORM maps of the domain's tables, and all migrations of the domain in the order of their names.
import { ProjectEntity, ProjectMemberEntity } from './projects/project.entity.js';
import { UpdateEntity, CommentEntity } from './updates/update.entity.js';
import { NotificationEntity, AnnouncementEntity } from './notifications/notification.entity.js';
import { DomainMigration } from './migrations/20261121000002-domain.js';
import { NotificationRetentionMigration } from './migrations/20261121000007-notification-retention.js';
import { EarlyInstallationsMigration } from './migrations/20261128000001-early-installations.js';
import { LargeDomainTablesMigration } from './migrations/20261128000003-large-tables.js';
import { CommentVersionsMigration } from './migrations/20261128000401-comment-versions.js';
import { ProjectStatesMigration } from './migrations/20261128000402-project-states.js';
import { MentionedAccountsMigration } from './migrations/20261129000001-mentioned-accounts.js';
import { PostsMigration } from './migrations/20261129000004-posts.js';
import type { DatabaseContent } from '../engine/database/orm-options.js';

export const domainContent: DatabaseContent = {
  entities: [ProjectEntity, ProjectMemberEntity, UpdateEntity, CommentEntity, NotificationEntity, AnnouncementEntity],
  migrations: [
    { name: '20261121000002-domain', class: DomainMigration },
    { name: '20261121000007-notification-retention', class: NotificationRetentionMigration },
    { name: '20261128000001-early-installations', class: EarlyInstallationsMigration },
    { name: '20261128000003-large-tables', class: LargeDomainTablesMigration },
    { name: '20261128000401-comment-versions', class: CommentVersionsMigration },
    { name: '20261128000402-project-states', class: ProjectStatesMigration },
    { name: '20261129000001-mentioned-accounts', class: MentionedAccountsMigration },
    { name: '20261129000004-posts', class: PostsMigration },
  ],
};
