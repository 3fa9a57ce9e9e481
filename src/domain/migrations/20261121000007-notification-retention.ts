// What finds the notifications that are too old.
import { Migration } from '@mikro-orm/migrations';

export class NotificationRetentionMigration extends Migration {
  override name = '20261121000007-notification-retention';

  override up(): void {
    this.addSql(`
create index notification_read_at_idx on notification (read_at) where read_at is not null;
create index notification_unread_since_idx on notification (created_at) where read_at is null;`);
  }
}
