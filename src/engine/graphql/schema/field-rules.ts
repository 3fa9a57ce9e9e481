// Rules of a field beside its policies: shape of its arguments, credentials, rate limits, cookies, length of its text, cost of its list.
import { Extensions } from '@nestjs/graphql';
import type { ZodType } from 'zod';
import type { AccountLimit } from '../../limits/limit.js';
import type { LimitName } from './field-limits.port.js';

const INPUT_KEY = 'input';
const CREDENTIAL_KEY = 'credential';
const LIMIT_KEY = 'limit';
const CLEARS_KEY = 'clearsCookies';
const FREE_KEY = 'freeOfWrites';
const TEXT_KEY = 'longestText';
const COUNT_KEY = 'countedAs';

/** Arguments must satisfy `schema`, and reach the resolver as it returns them. Checked before anything else. */
export function Input(schema: ZodType): MethodDecorator {
  return Extensions({ [INPUT_KEY]: schema });
}

/** The only root field of its operation, over HTTP alone: it accepts or returns credentials. */
export function Credential(): MethodDecorator {
  return Extensions({ [CREDENTIAL_KEY]: true });
}

/** Attempts are counted after the policies and before the resolver; too many are refused with RATE_LIMITED. */
export function Limited(...limits: readonly (LimitName | AccountLimit)[]): MethodDecorator {
  return Extensions({ [LIMIT_KEY]: limits });
}

/**
 * Clears the cookies of the operation whether this root field succeeds or fails, unless its argument
 * `refreshToken` names the session.
 */
export function ClearsCookies(): MethodDecorator {
  return Extensions({ [CLEARS_KEY]: true });
}

/** This mutation does not count as a write: an account needs it against an attacker who has one of its tokens. */
export function NotCountedAsWrite(): MethodDecorator {
  return Extensions({ [FREE_KEY]: true });
}

/** The text of this field has up to `characters`, which are many: it costs more than other fields do. */
export function LongText(characters: number): PropertyDecorator & MethodDecorator {
  return Extensions({ [TEXT_KEY]: characters });
}

/** The list of this field, which is always returned as a whole, costs as much as `entries` of its entries. */
export function CountedAs(entries: number): PropertyDecorator & MethodDecorator {
  return Extensions({ [COUNT_KEY]: entries });
}

type FieldExtensions = Readonly<Record<string, unknown>> | undefined;

export function inputSchemaOf(extensions: FieldExtensions): ZodType | undefined {
  return extensions?.[INPUT_KEY] as ZodType | undefined;
}

export function isCredential(extensions: FieldExtensions): boolean {
  return extensions?.[CREDENTIAL_KEY] === true;
}

export function clearsCookies(extensions: FieldExtensions): boolean {
  return extensions?.[CLEARS_KEY] === true;
}

export function countsAsWrite(extensions: FieldExtensions): boolean {
  return extensions?.[FREE_KEY] !== true;
}

export function limitsOf(extensions: FieldExtensions): readonly (LimitName | AccountLimit)[] {
  return (extensions?.[LIMIT_KEY] as readonly (LimitName | AccountLimit)[] | undefined) ?? [];
}

/** Characters that the field's text may have, if that is many; else 0. */
export function longestText(extensions: FieldExtensions): number {
  return (extensions?.[TEXT_KEY] as number | undefined) ?? 0;
}

/** Entries that the field's list counts as; `undefined`: not declared. */
export function countedAs(extensions: FieldExtensions): number | undefined {
  return extensions?.[COUNT_KEY] as number | undefined;
}
