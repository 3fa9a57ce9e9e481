// Lists every object of a database schema, one line each, as described by PostgreSQL's catalog functions. Two schemas
// are equal if the lists are.
import type { TestDatabase } from './database.js';

const OBJECTS = `
with relation as (
  select oid, relname, relkind, relpersistence from pg_class
   where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S', 'i'))
select 'relation ' || relname || ' ' || relkind::text || relpersistence::text as line from relation
union all
select 'column ' || relname || '.' || attname || ' ' || format_type(atttypid, atttypmod) || ' not null ' || attnotnull ||
       ' collation ' || attcollation || ' default ' || coalesce(pg_get_expr(adbin, adrelid), 'none') || ' ' || attgenerated::text || attidentity::text
  from relation join pg_attribute on attrelid = oid and attnum > 0 and not attisdropped and relkind <> 'i'
  left join pg_attrdef on adrelid = attrelid and adnum = attnum
union all
select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid) || ' ' || convalidated
  from pg_constraint join relation on relation.oid = conrelid
union all
select 'index ' || pg_get_indexdef(indexrelid) || ' ' || indisvalid from pg_index join relation on relation.oid = indexrelid
union all
select 'trigger ' || pg_get_triggerdef(pg_trigger.oid) || ' ' || tgenabled::text
  from pg_trigger join relation on relation.oid = tgrelid where not tgisinternal
union all
select 'function ' || pg_get_functiondef(oid) from pg_proc
 where pronamespace = 'public'::regnamespace and prokind in ('f', 'p')
   and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
order by 1`;

export async function schemaObjects(database: TestDatabase): Promise<string[]> {
  return (await database.query<{ line: string }>(OBJECTS)).map(({ line }) => line);
}
