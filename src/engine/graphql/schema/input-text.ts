// Shapes of text that people type: stored as typed after NFC, without characters that cannot be seen.
import { z } from 'zod';
import {
  countCodePoints,
  isLongerThan,
  MAX_COMBINING,
  placeOf,
  tooManyMarks,
  UNITS_PER_CHARACTER,
} from './code-points.js';
import { emailProblem } from '../../mail/email-address.js';
import { dangerousAt, lineBreakAt, nameOf } from './dangerous-characters.js';

/** A visible character: no zero-width space, filler, space or blank Braille pattern. */
const VISIBLE = /[^\p{Default_Ignorable_Code_Point}\s\u2800]/u;
const BYTE_ORDER_MARK = '\ufeff';

interface TextRules {
  readonly max: number;
  readonly min: number;
  readonly lines: 'one' | 'many';
}

/** The text without surrounding white space, and where it starts in the sent value. */
interface Typed {
  readonly sent: string;
  readonly start: number;
  readonly text: string;
}

const text = (rules: TextRules) =>
  z.string().transform((sent, context) => {
    const start = rules.lines === 'one' ? sent.length - sent.trimStart().length : firstLineOf(sent);
    const typed = { sent, start, text: sent.slice(start).trimEnd() };
    const problem = problemBefore(typed, rules);
    const normal = problem === undefined ? typed.text.normalize('NFC') : '';
    const message = problem ?? problemOf(typed, normal, rules);
    if (message === undefined) return normal;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** The problem of a text that is too long to normalise: NFC may shorten a text, but not to less than an eighth. */
function problemBefore({ sent, start, text: typed }: Typed, { max }: TextRules): string | undefined {
  if (typed.length > UNITS_PER_CHARACTER * max) return tooLong(max);
  const marks = tooManyMarks(typed);
  if (marks < 0) return undefined;
  return `must have at most ${MAX_COMBINING} combining marks in a row, at ${placeOf(sent, start + marks)}`;
}

function problemOf(typed: Typed, normal: string, { max, min, lines }: TextRules): string | undefined {
  const named = (at: number) => `${nameOf(typed.text, at)} at ${placeOf(typed.sent, typed.start + at)}`;
  if (normal === '') return min > 0 ? 'must not be empty' : undefined;
  if (countCodePoints(normal, normal.length) < min) return `must have at least ${min} characters`;
  if (!VISIBLE.test(normal)) return 'must not be empty';
  if (isLongerThan(normal, max)) return tooLong(max);
  const dangerous = dangerousAt(typed.text);
  if (dangerous >= 0) return `must not have ${named(dangerous)}`;
  const lineBreak = lines === 'one' ? lineBreakAt(typed.text) : -1;
  return lineBreak >= 0 ? `must be a single line, without ${named(lineBreak)}` : undefined;
}

const tooLong = (max: number) => `must have at most ${max} characters`;

/** Where the first line begins that is not blank: its indentation means something in Markdown, blank lines before it do not. */
function firstLineOf(given: string): number {
  const visible = given.length - given.trimStart().length;
  if (visible === 0) return 0;
  const start = Math.max(given.lastIndexOf('\n', visible - 1), given.lastIndexOf('\r', visible - 1)) + 1;
  return given.startsWith(BYTE_ORDER_MARK, start) ? start + 1 : start;
}

/** One line of `min` to `max` characters, without white space around it. */
export const line = (max: number, min = 1) => text({ max, min, lines: 'one' });

/** Text of several lines, up to `max` characters: as typed, but for blank lines before it and white space behind it. */
export const paragraphs = (max: number, min = 1) => text({ max, min, lines: 'many' });

/** A search text, one line of up to 100 characters; empty means absent. */
export const searchText = line(100, 0)
  .nullish()
  .transform((value) => value || undefined);

/** A field of an edit: absent it stays as it is, and it cannot be taken away. */
export const notNull = <T extends z.ZodType>(schema: T) =>
  schema
    .nullish()
    .refine((value) => value !== null, 'must not be null')
    .transform((value) => value ?? undefined);

/** An identifier of ours. */
export const id = z.uuid('is not an id').transform((value) => value.toLowerCase());

/** A cursor of the log as the client sent it; it is checked when it is looked up. */
export const cursor = z.string().max(64, 'is not a cursor');

/** An e-mail address as it was typed, without white space around it, see email-address.ts. */
export const email = line(254, 3).superRefine((address, context) => {
  const message = emailProblem(address);
  if (message) context.addIssue({ code: 'custom', message });
});

/** A client's own key of a mutation that it may have to repeat. */
export const idempotencyKey = line(64);
