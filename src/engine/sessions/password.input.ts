// Inputs that change or reset a password, with their validation.
import { Field, InputType } from '@nestjs/graphql';
import { z } from 'zod';
import { NEW_PASSWORD, newPassword, presentPassword } from '../passwords/password-rules.js';
import { email } from '../graphql/schema/input-text.js';

@InputType({ description: 'A new password for the signed-in account.' })
export class ChangePasswordInput {
  @Field({ description: 'The current password.' })
  currentPassword!: string;

  @Field({ description: NEW_PASSWORD })
  newPassword!: string;
}

@InputType({ description: 'A new password, set by a reset token.' })
export class ResetPasswordInput {
  @Field({ description: 'Token from the mail; valid once, for 30 minutes.' })
  token!: string;

  @Field({ description: NEW_PASSWORD })
  newPassword!: string;
}

export const changePasswordArgs = z.object({ input: z.object({ currentPassword: presentPassword, newPassword }) });

export const requestPasswordResetArgs = z.object({ email });

export const resetPasswordArgs = z.object({
  input: z.object({ token: z.string().trim().max(512, 'is too long'), newPassword }),
});
