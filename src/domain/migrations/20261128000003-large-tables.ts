// Indexes with which no statement about projects and notifications reads more the larger the tables are. Writers of a table wait while its
// index is built. Who cannot have that creates them beforehand, `concurrently` and under these names.
import { Migration } from '@mikro-orm/migrations';

export class LargeDomainTablesMigration extends Migration {
  override name = '20261128000003-large-tables';

  override up(): void {
    this.addSql(`
create index if not exists notification_unread_page_idx on notification (account_id, id desc) where read_at is null;
-- The one before serves whatever this one did.
drop index if exists notification_unread_idx;
create index if not exists project_member_owner_idx on project_member (project_id, id) where role = 'OWNER';`);
    this.addSql(SEARCH);
  }
}

/** As for accounts: without the extension all names of visible projects are read. */
const SEARCH = `
do $$
begin
  create extension if not exists pg_trgm;
  create index if not exists project_name_search_idx on project using gin (name gin_trgm_ops) where deleted_at is null;
  create index if not exists project_key_search_idx on project using gin (key gin_trgm_ops) where deleted_at is null;
exception when undefined_file or feature_not_supported or insufficient_privilege or undefined_object then
  raise notice 'pg_trgm is not available: projects are searched without an index';
end $$;`;
