// Which instances live, and what each of them holds open. Unlogged: it costs no write-ahead log, and what a crash of
// PostgreSQL empties the instances write again.
import { Migration } from '@mikro-orm/migrations';

export class NodesMigration extends Migration {
  override name = '20261121000006-nodes';

  override up(): void {
    this.addSql(`
create unlogged table node (
  id uuid primary key,
  seen_at timestamptz(3) not null
);
create unlogged table node_entry (
  node_id uuid not null references node (id) on delete cascade,
  number bigint not null,
  topic text not null,
  key text not null,
  since timestamptz(3) not null,
  facts jsonb not null,
  primary key (node_id, number)
);
create index on node_entry (topic, key);`);
  }
}
