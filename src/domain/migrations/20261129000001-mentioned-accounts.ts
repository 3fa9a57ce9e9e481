// Whom an update or a comment has mentioned since it was posted: nobody is notified of it twice. Instances of the version before leave
// it as it is.
import { Migration } from '@mikro-orm/migrations';

export class MentionedAccountsMigration extends Migration {
  override name = '20261129000001-mentioned-accounts';

  override up(): void {
    this.addSql(`
alter table project_update add column mentioned uuid[] not null default '{}';
alter table comment add column mentioned uuid[] not null default '{}';`);
  }
}
