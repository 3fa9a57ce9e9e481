// What forgotten passwords need: one reset token per account at most, as a hash.
import { Migration } from '@mikro-orm/migrations';

export class PasswordsMigration extends Migration {
  override name = '20261121000003-passwords';

  override up(): void {
    this.addSql(`
create table password_reset (
  account_id uuid primary key references account (id) on delete cascade,
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  requested_at timestamptz(3) not null,
  expires_at timestamptz(3) not null check (expires_at > requested_at)
);`);
  }
}
