// Comments can be edited: each edit is a version of its own. Instances of the version before go on writing comments, at version 1.
import { Migration } from '@mikro-orm/migrations';

export class CommentVersionsMigration extends Migration {
  override name = '20261128000401-comment-versions';

  override up(): void {
    this.addSql(`
alter table comment
  add column version integer not null default 1 check (version > 0),
  add column edited_at timestamptz(3);`);
  }
}
