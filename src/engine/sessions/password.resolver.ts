// Changing and resetting passwords: in the schema already, not built yet, and saying so.
import { Args, Field, InputType, Mutation, Resolver } from '@nestjs/graphql';
import { Public, SignedIn } from '../access/policies.js';
import { notYet } from '../errors/not-yet.js';
import { Credential } from '../graphql/field-rules.js';
import { AuthPayload } from './session.type.js';

@InputType({ description: 'A new password for the account that is signed in.' })
export class ChangePasswordInput {
  @Field({ description: 'The password so far.' })
  currentPassword!: string;

  @Field({ description: '8 to 128 characters of any kind.' })
  newPassword!: string;
}

@InputType({ description: 'A new password for whoever was sent a reset token.' })
export class ResetPasswordInput {
  @Field({ description: 'From the mail; it works once, for 30 minutes.' })
  token!: string;

  @Field({ description: '8 to 128 characters of any kind.' })
  newPassword!: string;
}

@Resolver()
export class PasswordResolver {
  @SignedIn()
  @Credential()
  @Mutation(() => AuthPayload, { description: 'Changes the password. All sessions end, and a new one is opened.' })
  changePassword(@Args('input', { description: 'The old and the new one.' }) _input: ChangePasswordInput): AuthPayload {
    return notYet('Changing passwords');
  }

  @Public()
  @Credential()
  @Mutation(() => Boolean, {
    description: 'Mails a reset token. The answer is the same whether or not there is such an account.',
  })
  requestPasswordReset(@Args('email', { description: 'Of the account.' }) _email: string): boolean {
    return notYet('Resetting passwords');
  }

  @Public()
  @Credential()
  @Mutation(() => Boolean, { description: 'Sets a new password. All sessions of the account end.' })
  resetPassword(
    @Args('input', { description: 'The token and the new password.' }) _input: ResetPasswordInput,
  ): boolean {
    return notYet('Resetting passwords');
  }
}
