// What a new password must be. NIST SP 800-63B: long ones welcome, nothing prescribed about their composition, none of the
// common ones.
import { z } from 'zod';
import { isCommonPassword } from './common-passwords.js';

/** The same for whoever reads the schema. */
export const NEW_PASSWORD = '8 to 128 characters of any kind; the most common passwords are refused.';

/** A password to be set: 8 to 128 characters (NFC), none that is common. */
export const newPassword = z
  .string()
  .refine((value) => lengthOf(value) >= 8, { error: 'must have at least 8 characters', abort: true })
  .refine((value) => lengthOf(value) <= 128, { error: 'must have at most 128 characters', abort: true })
  .refine((value) => !isCommonPassword(value), 'is one of the most common passwords: take another');

/** A password that is compared, not judged: only its length is bounded. */
export const presentPassword = z.string().min(1, 'must not be empty').max(512, 'is too long');

function lengthOf(password: string): number {
  return [...password.normalize('NFC')].length;
}
