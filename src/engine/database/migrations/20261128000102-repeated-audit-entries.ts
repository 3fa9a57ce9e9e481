// Repetitions of an audit entry are counted in its row. Instances of the version before go on writing a row each.
import { Migration } from '@mikro-orm/migrations';

export class RepeatedAuditEntriesMigration extends Migration {
  override name = '20261128000102-repeated-audit-entries';

  override up(): void {
    // A constant default: no row is written for it, and nobody waits.
    this.addSql(
      'alter table audit_entry add column count integer not null default 1, add column last_at timestamptz(3)',
    );
  }
}
