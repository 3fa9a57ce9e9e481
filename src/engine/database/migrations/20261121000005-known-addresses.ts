// The addresses from which accounts have signed in lately.
import { Migration } from '@mikro-orm/migrations';

export class KnownAddressesMigration extends Migration {
  override name = '20261121000005-known-addresses';

  override up(): void {
    this.addSql(`
create table known_address (
  account_id uuid not null references account (id) on delete cascade,
  network text not null,
  last_at timestamptz(3) not null,
  primary key (account_id, network)
);`);
  }
}
