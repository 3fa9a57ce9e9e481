// What clients send to sign in, and the shapes it must have.
import { Field, InputType } from '@nestjs/graphql';
import { z } from 'zod';
import { email, line } from '../graphql/input-text.js';
import { TokenTransport } from './session.type.js';

/** NIST SP 800-63B: at least 8, long ones welcome, nothing prescribed about their composition. */
const password = z
  .string()
  .refine((value) => [...value.normalize('NFC')].length >= 8, 'must have at least 8 characters')
  .refine((value) => [...value.normalize('NFC')].length <= 128, 'must have at most 128 characters');
const transport = z
  .enum(TokenTransport)
  .nullish()
  .transform((value) => value ?? TokenTransport.BODY);

@InputType({ description: 'A new account.' })
export class RegisterInput {
  @Field({ description: 'The name that others see, 1 to 100 characters.' })
  name!: string;

  @Field({ description: 'To sign in with; unique without regard to case.' })
  email!: string;

  @Field({ description: '8 to 128 characters of any kind.' })
  password!: string;

  @Field(() => TokenTransport, {
    nullable: true,
    defaultValue: TokenTransport.BODY,
    description: 'How the tokens travel.',
  })
  transport!: TokenTransport;
}

@InputType({ description: 'E-mail address and password of an account.' })
export class LoginInput {
  @Field({ description: 'In any case.' })
  email!: string;

  @Field({ description: 'The password of the account.' })
  password!: string;

  @Field(() => TokenTransport, {
    nullable: true,
    defaultValue: TokenTransport.BODY,
    description: 'How the tokens travel.',
  })
  transport!: TokenTransport;
}

export const registerArgs = z.object({ input: z.object({ name: line(100), email, password, transport }) });

/** At sign-in a password is compared, not judged: only its length is bounded. */
export const loginArgs = z.object({
  input: z.object({ email, password: z.string().min(1, 'must not be empty').max(512, 'is too long'), transport }),
});

export const refreshArgs = z.object({ refreshToken: z.string().max(512, 'is too long').nullish() });
