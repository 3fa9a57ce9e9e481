// Normalizes text and names for matching mentions, and finds word boundaries in all scripts.

/** Scripts without spaces, and Korean, where particles follow a name directly: a name may end within letters. */
const RUNNING =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}\p{scx=Java}\p{scx=Bali}\p{scx=Yiii}]/u;
/** Scripts that attach prepositions and conjunctions to the next word: an `@` may follow a letter. */
const PREFIXING = /[\p{scx=Hebr}\p{scx=Arab}\p{scx=Syrc}\p{scx=Thaa}]/u;
const WORD = /[\p{L}\p{M}\p{N}_]/u;
/** Characters that belong to the preceding letter: combining marks, and marks such as `ー` and `々`. */
const CONTINUES = /[\p{M}\p{Lm}]/u;
const GREEK_ACCENTS = /(\p{Script=Greek})\p{M}+/gu;

/**
 * `text` without differences of case, width, invisible characters and white space. Case folding ignores context such as final sigma. Linear.
 * Dotted and dotless i are equal, and Greek capitals have no accents, since both spellings are in use.
 */
export function folded(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}+/gu, '')
    .replace(/[^\S\r\n]+/g, ' ')
    .toLowerCase() // ẞ and ß
    .toUpperCase()
    .normalize('NFD')
    .replace(GREEK_ACCENTS, '$1')
    .normalize('NFC')
    .replace(/İ/g, 'I');
}

/** Whether an `@` at `at` can start a mention: not within a word of a script with spaces, as in an e-mail address. */
export function beginsMention(text: string, at: number): boolean {
  const before = characterBefore(text, at);
  if (before === '_') {
    let start = at - 1;
    while (text[start - 1] === '_') start -= 1;
    return !WORD.test(characterBefore(text, start));
  }
  return !WORD.test(before) || RUNNING.test(before) || PREFIXING.test(before);
}

/** Whether a name that ends at `at` is complete, not a prefix of a longer word. */
export function endsName(text: string, at: number): boolean {
  const next = characterAt(text, at);
  if (!WORD.test(next)) return true;
  if (next === '_' || CONTINUES.test(next)) return false;
  return RUNNING.test(next) || RUNNING.test(characterBefore(text, at));
}

/** Whether the text at `at` continues like the domain of an e-mail address. */
export function isDomain(text: string, at: number): boolean {
  return text[at] === '.' && WORD.test(characterAt(text, at + 1)) && WORD.test(characterAt(text, at + 2));
}

/** Whether underscores at `at` can close Markdown emphasis: a word boundary follows them. */
export function closesEmphasis(text: string, at: number): boolean {
  let end = at;
  while (text[end] === '_') end += 1;
  return end > at && !WORD.test(characterAt(text, end));
}

/** Positions where underscores open Markdown emphasis, in order. */
export function emphasisOpenings(text: string): readonly number[] {
  const openings: number[] = [];
  for (let at = text.indexOf('_'); at >= 0; at = text.indexOf('_', at)) {
    let end = at;
    while (text[end] === '_') end += 1;
    if (!WORD.test(characterBefore(text, at)) && /\S/.test(characterAt(text, end))) openings.push(at);
    at = end;
  }
  return openings;
}

function characterAt(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function characterBefore(text: string, at: number): string {
  const [low, high] = [text.charCodeAt(at - 1), text.charCodeAt(at - 2)];
  const isPair = (low & 0xfc_00) === 0xdc_00 && (high & 0xfc_00) === 0xd8_00;
  return text.slice(Math.max(at - (isPair ? 2 : 1), 0), at);
}
