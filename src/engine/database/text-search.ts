// Case-insensitive substring search, by the collation of the database and by ASCII: in a Turkish collation `info` does not match
// `INFO`, which is unexpected for addresses and keys.
import { raw } from '@mikro-orm/postgresql';

/** Conditions, one of which must hold: the column contains `text`. `%` and `_` are literal. */
export function containsText(column: string, text: string): readonly Record<string, { readonly $ilike: string }>[] {
  const $ilike = likeText(text);
  return [{ [column]: { $ilike } }, { [raw((alias) => `${alias}.${column} collate "C"`)]: { $ilike } }];
}

/** A `like` pattern for text that contains `text`. */
export function likeText(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
