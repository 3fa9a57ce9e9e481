// Names and addresses are also searched by the rules of "C": see text-search.ts. As before, without pg_trgm all accounts are read.
import { Migration } from '@mikro-orm/migrations';

export class AccountSearchMigration extends Migration {
  override name = '20261128000005-account-search';

  override up(): void {
    this.addSql(`
do $$
begin
  create index if not exists account_name_c_search_idx on account using gin (name collate "C" gin_trgm_ops);
  create index if not exists account_email_c_search_idx on account using gin (email collate "C" gin_trgm_ops);
exception when undefined_object then
  raise notice 'pg_trgm is not available: accounts are searched without an index';
end $$;`);
  }
}
