// The cookies of a session in HTTP: names, attributes, and the headers of pages that have them.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { parseCookie, stringifySetCookie } from 'cookie';
import { type CookieTokens, type CredentialCookies, NO_COOKIES } from '../access/credential-cookies.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { isLoopback } from '../config/loopback.js';
import { csrfHeaderOf } from '../config/service.js';
import { ForbiddenError } from '../errors/service-error.js';

/** The tokens in the cookies of a request: empty if the value cannot be a token. */
export type CookieValues = Partial<CookieTokens>;

/** A cookie that is present twice is ignored: another site may have set one of them. */
const AMBIGUOUS: CookieValues = { accessToken: '', refreshToken: '' };

@Injectable()
export class SessionCookies {
  /** Browsers keep `__Host-` cookies for this host only, over TLS only, which local development lacks. */
  private readonly secure: boolean;
  private readonly names: CookieTokens;
  /** Allowed pages send it as `1`: forms cannot, and pages of other origins need CORS. */
  private readonly csrfHeader: string;
  /** By it, also as a key in the payload of `connection_init`, a page names the account that it shows. */
  private readonly accountHeader: string;
  private readonly allowedOrigins: ReadonlySet<string>;

  constructor(@Inject(CONFIG) { service, production, publicUrl, allowedOrigins }: Config) {
    const { protocol, hostname } = new URL(publicUrl);
    this.secure = production || protocol === 'https:' || !isLoopback(hostname);
    const prefix = `${this.secure ? '__Host-' : ''}${service.prefix}`;
    this.names = { accessToken: `${prefix}-access`, refreshToken: `${prefix}-refresh` };
    this.csrfHeader = csrfHeaderOf(service);
    this.accountHeader = `x-${service.prefix}-account`;
    this.allowedOrigins = new Set(allowedOrigins);
  }

  /** The cookies of one HTTP request. A GET has none, and `Authorization` takes precedence. */
  of(request: IncomingMessage, response: ServerResponse): CredentialCookies & CookieValues {
    if (request.method !== 'POST') return NO_COOKIES;
    const { headers } = request;
    const values = headers.authorization === undefined ? this.read(headers.cookie) : undefined;
    const allowed = this.isAllowedOrigin(headers) && headers[this.csrfHeader] === '1';
    const assertAllowed = (): void => {
      if (!allowed) throw this.notOurs();
    };
    const write = (tokens: CookieTokens, seconds: number): void => {
      assertAllowed();
      response.setHeader('set-cookie', this.setting(tokens, seconds));
    };
    return {
      accessToken: values?.accessToken,
      refreshToken: values?.refreshToken,
      refusal: values && !allowed ? this.notOurs() : undefined,
      assertAllowed,
      set: (tokens, until) => write(tokens, Math.ceil((until.getTime() - Date.now()) / 1000)),
      clear: () => {
        if (values) write({ accessToken: '', refreshToken: '' }, 0);
      },
    };
  }

  /** The session cookies in a `Cookie` header, under the active names; undefined if it has neither. */
  read(header: string | undefined): CookieValues | undefined {
    const accessTokens = valuesOf(this.names.accessToken, header);
    const refreshTokens = valuesOf(this.names.refreshToken, header);
    if (accessTokens.length > 1 || refreshTokens.length > 1) return AMBIGUOUS;
    const [accessToken, refreshToken] = [accessTokens[0], refreshTokens[0]];
    return accessToken === undefined && refreshToken === undefined ? undefined : { accessToken, refreshToken };
  }

  /** Whether the request names an origin of ALLOWED_ORIGINS, exactly. */
  isAllowedOrigin({ origin }: IncomingHttpHeaders): boolean {
    return origin !== undefined && this.allowedOrigins.has(origin);
  }

  /**
   * The account that a page says it shows, under a case-insensitive name as in HTTP. An invalid or repeated value matches
   * no account.
   */
  shownAccountIn(values: Readonly<Record<string, unknown>>): string | undefined {
    const [value, ...more] = Object.entries(values).flatMap(([name, said]) =>
      name.toLowerCase() === this.accountHeader && said !== undefined ? [said] : [],
    );
    if (value === undefined) return undefined;
    return typeof value === 'string' && more.length === 0 ? value.toLowerCase() : '';
  }

  private notOurs(): ForbiddenError {
    const message = `Session cookies are for pages of ALLOWED_ORIGINS, which send the header "${this.csrfHeader}: 1".`;
    return new ForbiddenError(undefined, message);
  }

  private setting({ accessToken, refreshToken }: CookieTokens, seconds: number): readonly string[] {
    // Both live as long as an unused session: an expired access token must still be recognized as expired.
    const attributes = { path: '/', httpOnly: true, secure: this.secure, sameSite: 'strict', maxAge: seconds } as const;
    return [
      stringifySetCookie({ name: this.names.accessToken, value: accessToken, ...attributes }),
      stringifySetCookie({ name: this.names.refreshToken, value: refreshToken, ...attributes }),
    ];
  }
}

/** All values of `name` in a `Cookie` header. Pair by pair, since the parser keeps the first only. */
function valuesOf(name: string, header = ''): readonly string[] {
  if (!header.includes(name)) return [];
  const pairs = header.split(';').filter((pair) => pair.includes(name));
  return pairs.flatMap((pair) => parseCookie(pair, { decode: (value) => value })[name] ?? []);
}
