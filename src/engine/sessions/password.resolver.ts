// Changes and resets passwords.
import { Args, Context, Mutation, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../access/operation-context.js';
import { Public, SignedIn } from '../access/policies.js';
import { Credential, Input, Limited, NotCountedAsWrite } from '../graphql/schema/field-rules.js';
import { AuthPayloads } from './auth-payloads.js';
import { PasswordChanges } from './password-changes.js';
import { PasswordResetRequests } from './password-reset-requests.js';
import { PasswordResets } from './password-resets.js';
import {
  changePasswordArgs,
  ChangePasswordInput,
  requestPasswordResetArgs,
  resetPasswordArgs,
  ResetPasswordInput,
} from './password.input.js';
import { AuthPayload } from './session.type.js';

@Resolver()
export class PasswordResolver {
  constructor(
    private readonly changes: PasswordChanges,
    private readonly requests: PasswordResetRequests,
    private readonly resets: PasswordResets,
    private readonly payloads: AuthPayloads,
  ) {}

  @SignedIn()
  @Credential()
  @Input(changePasswordArgs)
  @Limited('changePassword')
  @NotCountedAsWrite()
  @Mutation(() => AuthPayload, {
    description:
      'Changes the password, ends all sessions and opens a new one. `INVALID_CREDENTIALS` if the current password is wrong.',
  })
  async changePassword(
    @Context() context: OperationContext,
    @Args('input', { description: 'The old and the new one.' }) input: ChangePasswordInput,
  ) {
    const { viewer, client } = context;
    const opened = await this.changes.change(viewer, input.currentPassword, input.newPassword, client);
    return this.payloads.signedIn(context, opened);
  }

  @Public()
  @Credential()
  @Input(requestPasswordResetArgs)
  @Limited('requestPasswordReset')
  @Mutation(() => Boolean, {
    description: 'Mails a reset token. The response is the same whether or not the account exists.',
  })
  async requestPasswordReset(
    @Context() { client }: OperationContext,
    @Args('email', { description: 'E-mail address of the account.' }) email: string,
  ) {
    await this.requests.request(email, client);
    return true;
  }

  @Public()
  @Credential()
  @Input(resetPasswordArgs)
  @Limited('resetPassword')
  @Mutation(() => Boolean, { description: 'Sets a new password and ends all sessions of the account.' })
  async resetPassword(
    @Context() { client }: OperationContext,
    @Args('input', { description: 'The token and the new password.' }) input: ResetPasswordInput,
  ) {
    await this.resets.reset(input.token, input.newPassword, client);
    return true;
  }
}
