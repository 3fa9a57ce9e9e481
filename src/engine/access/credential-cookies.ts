// The cookies that hold a session's tokens, as an operation may use them. What they look like in HTTP is not known here.
import { ForbiddenError, type ServiceError } from '../errors/service-error.js';

export interface CookieTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Port: whoever speaks HTTP reads and sets them. An operation has them only if it came as a POST. */
export interface CredentialCookies {
  /**
   * Why nothing of this operation may run: cookies came with it and nothing shows that a page of ours sent it, or the page shows
   * another account than the one that its credentials are of.
   */
  readonly refusal: ServiceError | undefined;
  /** What came as refresh token, genuine or not; undefined: nothing that counts. */
  readonly refreshToken: string | undefined;
  /** Throws {@link ForbiddenError} unless a page of ours sent this operation: others are given no cookies. */
  assertAllowed(): void;
  /** Gives the browser both tokens, to be kept until `until`, in the place of what it had. */
  set(tokens: CookieTokens, until: Date): void;
  /** Makes the browser forget what came with this operation; nothing came: nothing is done. */
  clear(): void;
}

/** Of operations that neither carry nor are given any. */
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
