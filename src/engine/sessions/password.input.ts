// What clients send to change or reset a password, and the shapes it must have.
import { Field, InputType } from '@nestjs/graphql';
import { z } from 'zod';
import { NEW_PASSWORD, newPassword, presentPassword } from '../accounts/password-rules.js';
import { email } from '../graphql/input-text.js';

@InputType({ description: 'A new password for the account that is signed in.' })
export class ChangePasswordInput {
  @Field({ description: 'The password so far.' })
  currentPassword!: string;

  @Field({ description: NEW_PASSWORD })
  newPassword!: string;
}

@InputType({ description: 'A new password for whoever was sent a reset token.' })
export class ResetPasswordInput {
  @Field({ description: 'From the mail; it works once, for 30 minutes.' })
  token!: string;

  @Field({ description: NEW_PASSWORD })
  newPassword!: string;
}

export const changePasswordArgs = z.object({ input: z.object({ currentPassword: presentPassword, newPassword }) });

export const requestPasswordResetArgs = z.object({ email });

export const resetPasswordArgs = z.object({
  input: z.object({ token: z.string().trim().max(512, 'is too long'), newPassword }),
});
