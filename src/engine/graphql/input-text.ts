// Shapes of text that people type: normalised, trimmed, without characters that cannot be seen.
import { z } from 'zod';

/** Control characters other than tab and line breaks, and the bidirectional overrides that disguise text. */
// oxlint-disable-next-line no-control-regex -- to refuse them is what it is for
const INVISIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/u;
const LINE_BREAK = /[\t\n\r\u2028\u2029]/u;
const LONE_SURROGATE = /\p{Surrogate}/u;
/** What takes no place on a screen, though it is no control character: zero-width spaces, fillers, spaces. */
const BLANK = /[\p{Default_Ignorable_Code_Point}\s]/gu;

const text = (max: number, min: number) =>
  z
    .string()
    .transform((value) => value.normalize('NFC').trim())
    .pipe(
      z
        .string()
        .min(min, min === 1 ? 'must not be empty' : `must have at least ${min} characters`)
        .refine((value) => value === '' || value.replace(BLANK, '') !== '', 'must not be empty')
        .refine((value) => [...value].length <= max, `must have at most ${max} characters`)
        .refine((value) => !INVISIBLE.test(value) && !LONE_SURROGATE.test(value), 'must not have control characters'),
    );

/** One line of 1 to `max` characters, NFC, trimmed. */
export const line = (max: number, min = 1) =>
  text(max, min).refine((value) => !LINE_BREAK.test(value), 'must be a single line');

/** Part of what is looked for, one line of up to 100 characters; empty is as good as absent. */
export const searchText = line(100, 0)
  .nullish()
  .transform((value) => value || undefined);

/** A field of an edit: absent it stays as it is, and it cannot be taken away. */
export const notNull = <T extends z.ZodType>(schema: T) =>
  schema
    .nullish()
    .refine((value) => value !== null, 'must not be null')
    .transform((value) => value ?? undefined);

/** Text of several lines, up to `max` characters. */
export const paragraphs = (max: number, min = 1) => text(max, min);

/** An identifier of ours. */
export const id = z.uuid('is not an id').transform((value) => value.toLowerCase());

/** An e-mail address: trimmed, at most 254 characters (RFC 5321). */
export const email = line(254, 3).pipe(z.email('is not an e-mail address'));

/** A client's own key of a mutation that it may have to repeat. */
export const idempotencyKey = line(64);
