// The form in which e-mail addresses are compared, made by the application: `lower(email)` depends on the collation of the database,
// and with that of Turkish `INFO@EXAMPLE.COM` was not found again.
import { Migration } from '@mikro-orm/migrations';

export class AccountEmailKeyMigration extends Migration {
  override name = '20261128000201-account-email-key';

  override up(): void {
    this.addSql(COLUMN);
    this.addSql(KEYS);
    this.addSql(INDEX);
    this.addSql(TRIGGER);
  }
}

const COLUMN = `
alter table account add column email_key text collate "C"
  check (octet_length(email_key) between 3 and 254 and octet_length(email_key) = char_length(email_key))`;

/**
 * Addresses have been ASCII so far. Where several accounts have come to the same address, the one that could sign in keeps it, else the
 * oldest. The others have no key: nobody could sign in to them with an address, and nobody can now.
 */
const KEYS = `
update account set email_key = folded.key
  from (select id, lower(email collate "C") as key,
               row_number() over (partition by lower(email collate "C")
                                  order by lower(email) = lower(email collate "C") desc, created_at, id) as place
          from account where email is not null) folded
 where folded.id = account.id and folded.place = 1`;

/** Of the same name as the one before, by which instances of the version before know what it says. */
const INDEX = `
drop index account_email_key;
create unique index account_email_key on account (email_key)`;

/** An instance of the version before, which may run beside this one, writes no key; and its addresses are ASCII. */
const TRIGGER = `
create function account_take_email_key() returns trigger language plpgsql as $$
begin
  new.email_key := coalesce(new.email_key, lower(new.email collate "C"));
  return new;
end $$;
create trigger account_take_email_key before insert on account for each row execute function account_take_email_key()`;
