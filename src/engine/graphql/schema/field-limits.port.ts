// Port: counts attempts and decides whether one more is allowed. Fields name their limits by `@Limited`, see field-rules.ts.
import type { OperationContext } from '../../access/operation-context.js';
import type { RateLimitedError } from '../../errors/service-error.js';
import type { AccountLimit } from '../../limits/limit.js';

/** Fields with separate limits. */
export type LimitName =
  | 'register'
  | 'login'
  | 'refresh'
  /** By a refresh token, which costs a look-up; a caller who is signed in may always sign out. */
  | 'logout'
  | 'requestPasswordReset'
  | 'resetPassword'
  | 'changePassword';

/** To be called once the field has been resolved. */
export interface Attempt {
  succeeded(): Promise<void>;
  /** Throws {@link RateLimitedError}, to be answered instead of `error`, if there were too many failures. */
  failed(error: unknown): Promise<void>;
}

type Args = Readonly<Record<string, unknown>>;

export interface FieldLimits {
  /** Counts one attempt before it is made. Throws {@link RateLimitedError}. */
  take(limit: LimitName | AccountLimit, context: OperationContext, args: Args): Promise<Attempt>;
  /** Counts one root field that writes. Throws {@link RateLimitedError}. */
  write(accountId: string): void;
  /** Counts one operation of the account, over HTTP or a socket, before it is parsed; returns the refusal if there were too many. */
  operation(accountId: string): RateLimitedError | undefined;
  /** Counts its root fields beside the first: asking for much at once costs as much as asking one by one. */
  rootFields(accountId: string, fields: readonly unknown[]): RateLimitedError | undefined;
}

export const FIELD_LIMITS = Symbol('FieldLimits');
