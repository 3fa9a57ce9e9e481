// Searching for a part of a text, in any case, by the collation of the database and by ASCII: with that of Turkish `info` is no part
// of `INFO`, which people who search for an address or a key do not expect.
import { raw } from '@mikro-orm/postgresql';

/** Conditions of which one holds where the column has `text` in it. `%` and `_` stand for themselves. */
export function containsText(column: string, text: string): readonly Record<string, { readonly $ilike: string }>[] {
  const $ilike = likeText(text);
  return [{ [column]: { $ilike } }, { [raw((alias) => `${alias}.${column} collate "C"`)]: { $ilike } }];
}

/** A pattern of `like` that `text` is a part of. */
export function likeText(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
