// Characters as the API counts them: code points after NFC. Everything here is linear in the text, whatever it is made of.

/** UTF-16 code units that one character may have before NFC: up to four code points of two each. */
export const UNITS_PER_CHARACTER = 8;

/** Combining marks that may follow each other, as in UAX #15, section 13: to put more of them in order takes quadratic time. */
export const MAX_COMBINING = 30;

/** Whether `text` has more than `max` code points. */
export function isLongerThan(text: string, max: number): boolean {
  if (text.length <= max) return false;
  if (text.length > 2 * max) return true;
  return countCodePoints(text, text.length) > max;
}

/** Code points of the first `end` code units. */
export function countCodePoints(text: string, end: number): number {
  let count = 0;
  for (let at = 0; at < end; at += 1)
    if ((text.charCodeAt(at) & 0xfc_00) !== 0xdc_00 || !isHigh(text, at - 1)) count += 1;
  return count;
}

/** One more than {@link MAX_COMBINING}. */
const MARKS = /\p{M}{31}/u;

/** Where a run of more than {@link MAX_COMBINING} marks begins, in code units; -1: nowhere. */
export function tooManyMarks(text: string): number {
  return text.search(MARKS);
}

/** Where the code unit `at` lies in `text`, in words: `line 3, column 5`, or in a text of one line `character 5`. */
export function placeOf(text: string, at: number): string {
  const before = text.slice(0, at);
  const begun = Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) + 1;
  const column = countCodePoints(before, at) - countCodePoints(before, begun) + 1;
  const line = before.match(/\r\n?|\n/g)?.length ?? 0;
  return line === 0 && !/[\r\n]/.test(text) ? `character ${column}` : `line ${line + 1}, column ${column}`;
}

function isHigh(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc_00) === 0xd8_00;
}
