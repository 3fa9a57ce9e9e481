// Inputs of sign-in, with their validation.
import { Field, InputType } from '@nestjs/graphql';
import { z } from 'zod';
import { NEW_PASSWORD, newPassword, presentPassword } from '../passwords/password-rules.js';
import { email, line } from '../graphql/schema/input-text.js';
import { TokenTransport } from './session.type.js';

const transport = z
  .enum(TokenTransport)
  .nullish()
  .transform((value) => value ?? TokenTransport.BODY);

@InputType({ description: 'A new account.' })
export class RegisterInput {
  @Field({ description: 'The name that others see, 1 to 100 characters.' })
  name!: string;

  @Field({ description: 'E-mail address to sign in with; unique, case-insensitive.' })
  email!: string;

  @Field({ description: NEW_PASSWORD })
  password!: string;

  @Field(() => TokenTransport, {
    nullable: true,
    defaultValue: TokenTransport.BODY,
    description: 'Transport of the tokens.',
  })
  transport!: TokenTransport;
}

@InputType({ description: 'E-mail address and password of an account.' })
export class LoginInput {
  @Field({ description: 'Case-insensitive.' })
  email!: string;

  @Field({ description: 'The password of the account.' })
  password!: string;

  @Field(() => TokenTransport, {
    nullable: true,
    defaultValue: TokenTransport.BODY,
    description: 'Transport of the tokens.',
  })
  transport!: TokenTransport;
}

export const registerArgs = z.object({ input: z.object({ name: line(100), email, password: newPassword, transport }) });

export const loginArgs = z.object({ input: z.object({ email, password: presentPassword, transport }) });

export const refreshTokenArgs = z.object({ refreshToken: z.string().max(512, 'is too long').nullish() });
