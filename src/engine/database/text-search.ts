// Case-insensitive substring search, by the collation of the database and by ASCII: in a Turkish collation `info` does not match
// `INFO`, which is unexpected for addresses and keys.
import type { Condition } from './shown.js';

/** One of the columns contains `text`. `%` and `_` are literal. */
export function containsText(columns: readonly string[], text: string): Condition {
  const like = likeText(text);
  const parts = columns.flatMap((column) => [`${column} ilike ?`, `${column} collate "C" ilike ?`]);
  return [`(${parts.join(' or ')})`, ...parts.map(() => like)];
}

/** A `like` pattern for text that contains `text`. */
function likeText(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
