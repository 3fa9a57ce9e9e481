// Several reset links of one account are valid at a time. `password_reset` keeps the newest, one row per account, so that instances
// of the version before go on working; the links before it are here, and go with that row.
import { Migration } from '@mikro-orm/migrations';

export class SeveralResetLinksMigration extends Migration {
  override name = '20261128000101-several-reset-links';

  override up(): void {
    this.addSql(`
create table password_reset_earlier (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  account_id uuid not null references password_reset (account_id) on delete cascade,
  expires_at timestamptz(3) not null
);
create index password_reset_earlier_account_idx on password_reset_earlier (account_id);`);
  }
}
