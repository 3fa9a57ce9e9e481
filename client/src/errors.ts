// Errors of the client, one class per case.

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string } & Readonly<Record<string, unknown>>;
}

/** Base class of all errors of the client. */
export class TidingsError extends Error {
  /** Error code, as in `extensions.code` of the service. */
  readonly code: string;

  constructor(
    /** Errors in the answer of the service, or the equivalent for an error of the client. At least one. */
    readonly errors: readonly GraphqlError[],
    /** Partial data of the answer. */
    readonly data?: unknown,
  ) {
    super(errors[0]?.message);
    this.code = codeOf(errors) ?? 'INTERNAL_SERVER_ERROR';
  }
}

/** The e-mail address or the password is wrong. */
export class InvalidCredentials extends TidingsError {}

/** Too many attempts. */
export class RateLimited extends TidingsError {
  /** Seconds to wait before the next attempt. */
  get retryAfter(): number {
    return retryAfterOf(this.errors) ?? 1;
  }
}

/** The service could not be reached, or is unavailable. Whether a write took effect is unknown. */
export class Unavailable extends TidingsError {}

/** Nobody is signed in, the session has ended, or the account has changed. Late answers are discarded. */
export class SignedOut extends TidingsError {}

/** The service answered with errors that have no class of their own here. */
export class OperationFailed extends TidingsError {}

// Minifiers rename classes. These names appear in logs.
const named = { TidingsError, InvalidCredentials, RateLimited, Unavailable, SignedOut, OperationFailed };
for (const [name, { prototype }] of Object.entries(named)) prototype.name = name;

const CLASSES: Readonly<Record<string, typeof TidingsError>> = {
  INVALID_CREDENTIALS: InvalidCredentials,
  RATE_LIMITED: RateLimited,
  SERVICE_UNAVAILABLE: Unavailable,
  UNAUTHENTICATED: SignedOut,
};

/** Creates the error for the errors of an answer, with the class for the first code. */
export const failure = (errors: readonly GraphqlError[], data?: unknown): TidingsError =>
  new (CLASSES[codeOf(errors) ?? ''] ?? OperationFailed)(errors, data);

/** A GraphQL error for a failure found by the client. */
export const fault = (code: string, message: string, more?: object): readonly GraphqlError[] => [
  { message, extensions: { code, ...more } },
];

export const signedOut = (): TidingsError => failure(fault('UNAUTHENTICATED', 'The session has ended.'));

export const unavailable = (cause?: unknown): readonly GraphqlError[] =>
  fault('SERVICE_UNAVAILABLE', 'The service cannot be reached.', { cause });

/** The code of the first error. */
export const codeOf = (errors: readonly GraphqlError[] | undefined): string | undefined =>
  errors?.[0]?.extensions?.code;

/** The error with this code. */
export const withCode = (errors: readonly GraphqlError[] | undefined, code: string): GraphqlError | undefined =>
  errors?.find(({ extensions }) => extensions?.code === code);

/** Whether a retry may succeed. */
export const isPassing = (code: string): boolean => /^(RATE_LIM|SERVICE_UNAV|INTERNAL_SERV)/.test(code);

/** Whether the cookies belong to another account than the page shows. */
export const isOtherAccount = (errors: readonly GraphqlError[] | undefined): boolean =>
  errors?.[0]?.extensions?.['reason'] === 'OTHER_ACCOUNT';

/** Seconds to wait before a retry, as given by the service. */
export const retryAfterOf = (errors: readonly GraphqlError[]): number | undefined =>
  errors[0]?.extensions?.['retryAfter'] as number | undefined;
