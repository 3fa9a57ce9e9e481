// Indexes with which no statement about accounts and the audit trail reads more the larger the tables are. Writers of a table wait while its
// index is built, about 2 s for a million rows. Who cannot have that creates them beforehand, `concurrently` and under these names.
import { Migration } from '@mikro-orm/migrations';

export class LargeTablesMigration extends Migration {
  override name = '20261128000002-large-tables';

  override up(): void {
    // In the order of an expression, not of the id itself: see audit.service.ts.
    this.addSql(`
create index if not exists audit_entry_outcome_page_idx on audit_entry (action, outcome, uuid_send(id) desc);
create index if not exists audit_entry_actor_outcome_page_idx on audit_entry (actor_id, action, outcome, uuid_send(id) desc);
create index if not exists session_open_idx on session (account_id) where ended_at is null;
create index if not exists account_admin_idx on account (id) where role = 'ADMIN' and disabled_at is null;`);
    this.addSql(SEARCH);
  }
}

/** Parts of names are found by their trigrams. An installation whose database has no such extension, or may not have it, reads all names. */
const SEARCH = `
do $$
begin
  create extension if not exists pg_trgm;
  create index if not exists account_name_search_idx on account using gin (name gin_trgm_ops);
  create index if not exists account_email_search_idx on account using gin (email gin_trgm_ops);
exception when undefined_file or feature_not_supported or insufficient_privilege or undefined_object then
  raise notice 'pg_trgm is not available: accounts are searched without an index';
end $$;`;
