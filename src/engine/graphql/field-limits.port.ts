// Port: whoever counts tries tells whether one more is allowed. Fields name their limit by `@Limited`, see field-rules.ts.
import type { OperationContext } from '../access/operation-context.js';
import type { RateLimitedError } from '../errors/service-error.js';

/** What is limited by itself. */
export type LimitName =
  | 'register'
  | 'login'
  | 'refresh'
  /** By a refresh token, which costs a look-up; who is signed in is never kept from signing out. */
  | 'logout'
  | 'requestPasswordReset'
  | 'resetPassword'
  | 'changePassword'
  /** Failed tries to take a name of which there is one among all: each tells that it is taken, by whatever it is. */
  | 'takeName';

/** To be called once the field has succeeded. */
export type Settle = () => Promise<void>;

export interface FieldLimits {
  /** Counts one try before it is made. Throws {@link RateLimitedError}. */
  take(limit: LimitName, context: OperationContext, args: Readonly<Record<string, unknown>>): Promise<Settle>;
  /** Counts one operation of the account, whatever it is and however it came; what to answer when there were too many. */
  operation(accountId: string): Promise<RateLimitedError | undefined>;
}

export const FIELD_LIMITS = Symbol('FieldLimits');
