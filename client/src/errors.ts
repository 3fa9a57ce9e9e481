// What can go wrong, one class per case.

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string } & Readonly<Record<string, unknown>>;
}

export class TidingsError extends Error {
  /** As in `extensions.code` of the service. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = 'TidingsError';
  }
}

/** The password is wrong, or there is no such account. */
export class InvalidCredentials extends TidingsError {
  constructor(message = 'The e-mail or password is wrong.') {
    super('INVALID_CREDENTIALS', message);
  }
}

/** Too many attempts. */
export class RateLimited extends TidingsError {
  /** Seconds to wait. */
  readonly retryAfter: number;

  constructor(retryAfter = 1) {
    super('RATE_LIMITED', `Too many requests: wait ${retryAfter} s.`);
    this.retryAfter = retryAfter;
  }
}

/** The service could not be reached, or cannot answer now. Whether a write was done is unknown. */
export class Unavailable extends TidingsError {
  constructor(message = 'The service cannot be reached.', options?: ErrorOptions) {
    super('SERVICE_UNAVAILABLE', message, options);
  }
}

/** The session has ended, or the account has changed; answers that arrive later are dropped. */
export class SignedOut extends TidingsError {
  constructor() {
    super('UNAUTHENTICATED', 'The session has ended.');
  }
}

/** The service has answered with errors. */
export class OperationFailed extends TidingsError {
  readonly errors: readonly GraphqlError[];
  /** What there is beside the errors. */
  readonly data: unknown;

  constructor(errors: readonly GraphqlError[], data?: unknown) {
    super(codeOf(errors) ?? 'INTERNAL_SERVER_ERROR', errors[0]?.message ?? 'The operation failed.');
    this.errors = errors;
    this.data = data;
  }
}

/** The code of the first error. */
export const codeOf = (errors: readonly GraphqlError[] | undefined): string | undefined =>
  errors?.[0]?.extensions?.code;

/** The error with this code. */
export const withCode = (errors: readonly GraphqlError[] | undefined, code: string): GraphqlError | undefined =>
  errors?.find(({ extensions }) => extensions?.code === code);

/** Whether the same may succeed a little later. */
export const isPassing = (code: string): boolean => /^(RATE_LIM|SERVICE_UNAV|INTERNAL_SERV)/.test(code);

/** The page shows another account than its credentials are of. */
export const isOtherAccount = (errors: readonly GraphqlError[] | undefined): boolean =>
  errors?.[0]?.extensions?.['reason'] === 'OTHER_ACCOUNT';

/** Seconds that an error asks to wait. */
export const retryAfterOf = (errors: readonly GraphqlError[] | undefined): number | undefined => {
  const value = errors?.[0]?.extensions?.['retryAfter'];
  return typeof value === 'number' ? value : undefined;
};
