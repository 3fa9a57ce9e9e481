// The cookies of a session as HTTP has them: their names and attributes, and what shows that a page of ours sent a request.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { parseCookie, stringifySetCookie } from 'cookie';
import { type CookieTokens, type CredentialCookies, NO_COOKIES } from '../access/credential-cookies.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { isLoopback } from '../config/loopback.js';
import { ForbiddenError } from '../errors/service-error.js';

/** Pages that may use cookies send it, as `1`: no form can, and no page of another origin without our leave. */
const CSRF_HEADER = 'x-tidings-csrf';

/** What came in cookies of our names: an empty token where it cannot be one. */
export type ShownTokens = Partial<CookieTokens>;

/** Shown twice, neither is believed: one of them was put there by somebody else. */
const BAD: ShownTokens = { accessToken: '', refreshToken: '' };

@Injectable()
export class SessionCookies {
  /** Browsers keep `__Host-` names for this host alone, and only over TLS; a developer's machine has none. */
  private readonly secure: boolean;
  private readonly names: CookieTokens;
  private readonly allowedOrigins: ReadonlySet<string>;

  constructor(@Inject(CONFIG) { production, publicUrl, allowedOrigins }: Config) {
    const { protocol, hostname } = new URL(publicUrl);
    this.secure = production || protocol === 'https:' || !isLoopback(hostname);
    const prefix = this.secure ? '__Host-' : '';
    this.names = { accessToken: `${prefix}tidings-access`, refreshToken: `${prefix}tidings-refresh` };
    this.allowedOrigins = new Set(allowedOrigins);
  }

  /** The cookies of one request over HTTP. A GET has none, and beside `Authorization` none count. */
  of(request: IncomingMessage, response: ServerResponse): CredentialCookies & ShownTokens {
    if (request.method !== 'POST') return NO_COOKIES;
    const { headers } = request;
    const shown = headers.authorization === undefined ? this.read(headers.cookie) : undefined;
    const allowed = this.isAllowedOrigin(headers) && headers[CSRF_HEADER] === '1';
    const assertAllowed = (): void => {
      if (!allowed) throw notOurs();
    };
    const write = (tokens: CookieTokens, seconds: number): void => {
      assertAllowed();
      response.setHeader('set-cookie', this.setting(tokens, seconds));
    };
    return {
      accessToken: shown?.accessToken,
      refreshToken: shown?.refreshToken,
      refusal: shown && !allowed ? notOurs() : undefined,
      assertAllowed,
      set: (tokens, until) => write(tokens, Math.ceil((until.getTime() - Date.now()) / 1000)),
      clear: () => {
        if (shown) write({ accessToken: '', refreshToken: '' }, 0);
      },
    };
  }

  /** What a `Cookie` header has of ours, under the names that hold here; undefined if it has neither. */
  read(header: string | undefined): ShownTokens | undefined {
    const accessTokens = valuesOf(this.names.accessToken, header);
    const refreshTokens = valuesOf(this.names.refreshToken, header);
    if (accessTokens.length > 1 || refreshTokens.length > 1) return BAD;
    const [accessToken, refreshToken] = [accessTokens[0], refreshTokens[0]];
    return accessToken === undefined && refreshToken === undefined ? undefined : { accessToken, refreshToken };
  }

  /** Whether the request names an origin of ALLOWED_ORIGINS, exactly. */
  isAllowedOrigin({ origin }: IncomingHttpHeaders): boolean {
    return origin !== undefined && this.allowedOrigins.has(origin);
  }

  private setting({ accessToken, refreshToken }: CookieTokens, seconds: number): readonly string[] {
    // Both live as long as the session would unused: an access token that has expired must still be seen to have expired.
    const attributes = { path: '/', httpOnly: true, secure: this.secure, sameSite: 'strict', maxAge: seconds } as const;
    return [
      stringifySetCookie({ name: this.names.accessToken, value: accessToken, ...attributes }),
      stringifySetCookie({ name: this.names.refreshToken, value: refreshToken, ...attributes }),
    ];
  }
}

/** All that a `Cookie` header has under `name`. Pair by pair: the parser keeps the first and passes over the others. */
function valuesOf(name: string, header = ''): readonly string[] {
  if (!header.includes(name)) return [];
  const pairs = header.split(';').filter((pair) => pair.includes(name));
  return pairs.flatMap((pair) => parseCookie(pair, { decode: (value) => value })[name] ?? []);
}

function notOurs(): ForbiddenError {
  const message = `Session cookies are for pages of ALLOWED_ORIGINS, which send the header "${CSRF_HEADER}: 1".`;
  return new ForbiddenError(undefined, message);
}
