// Characters that text must not have: they are invisible, and disguise or break the text around them.

/** Control characters other than tab and line breaks, bidirectional embeddings, overrides and isolates, and byte order marks. */
const DANGEROUS =
  // oxlint-disable-next-line no-control-regex -- it refuses them
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/u;
const LINE_BREAK = /[\t\n\r\u2028\u2029]/u;

/** The names of Unicode, or its aliases for control characters, and where such a character usually comes from. */
const NAMES: Readonly<Record<number, string>> = {
  0x00: 'NULL',
  0x07: 'ALERT',
  0x08: 'BACKSPACE',
  0x09: 'CHARACTER TABULATION',
  0x0a: 'LINE FEED',
  0x0b: 'LINE TABULATION, a line break of word processors',
  0x0c: 'FORM FEED',
  0x0d: 'CARRIAGE RETURN',
  0x1b: 'ESCAPE, which begins the colours of terminals',
  0x7f: 'DELETE',
  0x85: 'NEXT LINE',
  0x2028: 'LINE SEPARATOR',
  0x2029: 'PARAGRAPH SEPARATOR',
  0x202a: 'LEFT-TO-RIGHT EMBEDDING',
  0x202b: 'RIGHT-TO-LEFT EMBEDDING',
  0x202c: 'POP DIRECTIONAL FORMATTING',
  0x202d: 'LEFT-TO-RIGHT OVERRIDE',
  0x202e: 'RIGHT-TO-LEFT OVERRIDE',
  0x2066: 'LEFT-TO-RIGHT ISOLATE',
  0x2067: 'RIGHT-TO-LEFT ISOLATE',
  0x2068: 'FIRST STRONG ISOLATE',
  0x2069: 'POP DIRECTIONAL ISOLATE',
  0xfe_ff: 'ZERO WIDTH NO-BREAK SPACE, a byte order mark',
};

/** Where the first of them is, in code units; -1: nowhere. */
export const dangerousAt = (text: string): number => text.search(DANGEROUS);

/** Where the first character is that a text of one line must not have beside them; -1: nowhere. */
export const lineBreakAt = (text: string): number => text.search(LINE_BREAK);

/** The character at `at`, as in `U+202A (LEFT-TO-RIGHT EMBEDDING)`. */
export function nameOf(text: string, at: number): string {
  const code = text.codePointAt(at)!;
  const name = NAMES[code] ?? (code >= 0xd8_00 && code <= 0xdf_ff ? 'half of a surrogate pair' : 'a control character');
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} (${name})`;
}
