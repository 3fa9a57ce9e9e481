// The cookies that hold a session's tokens, as an operation uses them. Their form in HTTP is not known here.
import { ForbiddenError, type ServiceError } from '../errors/service-error.js';

export interface CookieTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Port, implemented by HTTP. Only operations sent by POST have cookies. */
export interface CredentialCookies {
  /**
   * Why nothing of this operation may run: it came with cookies, and either lacks proof that an allowed page sent it, or the page shows
   * another account than that of its credentials.
   */
  readonly refusal: ServiceError | undefined;
  /** The presented refresh token, valid or not; undefined: none that counts. */
  readonly refreshToken: string | undefined;
  /** Throws {@link ForbiddenError} unless an allowed page sent this operation. */
  assertAllowed(): void;
  /** Sets both token cookies until `until`, replacing existing ones. */
  set(tokens: CookieTokens, until: Date): void;
  /** Clears the cookies that came with this operation, if any. */
  clear(): void;
}

/** For operations without cookies. */
export const NO_COOKIES: CredentialCookies = {
  refusal: undefined,
  refreshToken: undefined,
  assertAllowed: refuseCookies,
  set: refuseCookies,
  clear: () => {},
};

function refuseCookies(): never {
  throw new ForbiddenError(undefined, 'Cookies are not set here.');
}
