// What a new password must be. NIST SP 800-63B: long ones welcome, nothing prescribed about their composition, none of the
// common ones.
import { z } from 'zod';
import { countCodePoints, UNITS_PER_CHARACTER } from '../graphql/code-points.js';
import { isCommonPassword } from './common-passwords.js';

const MAX_PASSWORD = 128;
/** UTF-16 code units that such a password may have before NFC: it is not normalised if it has more. */
const MAX_UNITS = MAX_PASSWORD * UNITS_PER_CHARACTER;

/** The same for whoever reads the schema. */
export const NEW_PASSWORD = '8 to 128 characters of any kind; the most common passwords are refused.';

/** A password to be set: 8 to 128 characters (NFC), none that is common. */
export const newPassword = z
  .string()
  .refine((value) => value.length <= MAX_UNITS && lengthOf(value) <= MAX_PASSWORD, {
    error: `must have at most ${MAX_PASSWORD} characters`,
    abort: true,
  })
  .refine((value) => lengthOf(value) >= 8, { error: 'must have at least 8 characters', abort: true })
  .refine((value) => !isCommonPassword(value), 'is one of the most common passwords: take another');

/** A password that is compared, not judged: only its length is bounded. */
export const presentPassword = z.string().min(1, 'must not be empty').max(MAX_UNITS, 'is too long');

function lengthOf(password: string): number {
  const normal = password.normalize('NFC');
  return countCodePoints(normal, normal.length);
}
