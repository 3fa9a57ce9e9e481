// What administration needs: the row that makes the first ADMIN the only one, and pages of the audit trail by actor.
import { Migration } from '@mikro-orm/migrations';

export class AdministrationMigration extends Migration {
  override name = '20261121000004-administration';

  override up(): void {
    this.addSql(FIRST_ADMIN);
    this.addSql(AUDIT_PAGES);
  }
}

/** At most one row, ever: whoever inserts it has claimed the installation. */
const FIRST_ADMIN = `
create table first_admin (
  id smallint primary key check (id = 1),
  claimed_at timestamptz(3) not null default now()
);`;

const AUDIT_PAGES = 'create index audit_entry_actor_page_idx on audit_entry (actor_id, id desc);';
