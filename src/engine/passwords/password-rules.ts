// Rules for new passwords, by NIST SP 800-63B: a length, no rules about composition, no common passwords.
import { z } from 'zod';
import { countCodePoints, UNITS_PER_CHARACTER } from '../graphql/schema/code-points.js';
import { isCommonPassword } from './common-passwords.js';

const MAX_PASSWORD = 128;
/** Maximum of UTF-16 code units before NFC; longer input is not normalized. */
const MAX_UNITS = MAX_PASSWORD * UNITS_PER_CHARACTER;

/** The same for the schema's description. */
export const NEW_PASSWORD = '8 to 128 characters of any kind; the most common passwords are refused.';

/** A new password: 8 to 128 characters (NFC), not common. */
export const newPassword = z
  .string()
  .refine((value) => value.length <= MAX_UNITS && lengthOf(value) <= MAX_PASSWORD, {
    error: `must have at most ${MAX_PASSWORD} characters`,
    abort: true,
  })
  .refine((value) => lengthOf(value) >= 8, { error: 'must have at least 8 characters', abort: true })
  .refine((value) => !isCommonPassword(value), 'is one of the most common passwords: choose another');

/** A password to verify: only its length is bounded. */
export const presentPassword = z.string().min(1, 'must not be empty').max(MAX_UNITS, 'is too long');

function lengthOf(password: string): number {
  const normal = password.normalize('NFC');
  return countCodePoints(normal, normal.length);
}
