// What finds the sessions, reset tokens and known addresses that nobody can use any more.
import { Migration } from '@mikro-orm/migrations';

export class SignInRetentionMigration extends Migration {
  override name = '20261121000008-sign-in-retention';

  override up(): void {
    // One moment a session: the first of what has ended it or would have. Not in it is `last_used_at`, which is written every minute.
    this.addSql(`
create index session_over_at_idx on session ((least(ended_at, idle_expires_at, expires_at)));
create index password_reset_expires_at_idx on password_reset (expires_at);
create index known_address_last_at_idx on known_address (last_at);`);
  }
}
