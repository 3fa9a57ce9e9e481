// Positions are unique by themselves: statements find events by `pos` alone. `partition` is always 0; instances of the version before
// still name it, so the column and its key stay. Writers of events wait while the index is built, about 1 s for a million events. Who
// cannot have that creates it beforehand, `concurrently` and under this name.
import { Migration } from '@mikro-orm/migrations';

export class EventPositionsMigration extends Migration {
  override name = '20261129000002-event-positions';

  override up(): void {
    this.addSql('create unique index if not exists event_pos_key on event (pos)');
  }
}
