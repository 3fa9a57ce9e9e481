// The sessions of sockets: implements the port of the sockets folder.
import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import type { SocketSessions } from '../realtime/sockets/socket-sessions.port.js';
import { type PresentedAccessToken, PresentedTokens } from './presented-tokens.js';
import { isOtherAccount, SessionAuthenticator } from './session.authenticator.js';
import { endedSessions } from './session-cache.js';
import { SessionCookies } from './session-cookies.js';
import { SessionUse } from './session-use.js';

/**
 * ms until the newest access token of each session expires; it was issued at the last rotation. Computed as a difference on the
 * database's clock, so that clocks are not compared.
 */
const REMAINING = `
select id, (extract(epoch from least(rotated_at + ? * interval '1 ms', idle_expires_at) - clock_timestamp()) * 1000)::float8 as left
  from session
 where id in (select value::uuid from json_array_elements_text(?::json)) and ended_at is null and rotated_at is not null`;

@Injectable()
export class SessionsOfSockets implements SocketSessions {
  readonly endedBy = endedSessions;

  constructor(
    private readonly orm: MikroORM,
    private readonly tokens: PresentedTokens,
    private readonly authenticator: SessionAuthenticator,
    private readonly cookies: SessionCookies,
    private readonly use: SessionUse,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** As over HTTP, `Authorization` takes precedence over cookies, which browsers add to every upgrade. */
  cookieOf(headers: IncomingHttpHeaders): string | undefined {
    const count = headers.authorization === undefined && this.cookies.isAllowedOrigin(headers);
    return count ? this.cookies.read(headers.cookie)?.accessToken : undefined;
  }

  inCookie(value: string | undefined, address: string) {
    return this.tokens.inCookie(value, address);
  }

  inHeader(authorization: string, address: string) {
    return this.tokens.inHeader(authorization, address);
  }

  isOtherAccount(token: PresentedAccessToken, payload: Readonly<Record<string, unknown>>): boolean {
    return isOtherAccount(token, this.cookies.shownAccountIn(payload));
  }

  callerOf(token: PresentedAccessToken) {
    return this.authenticator.callerOf(token);
  }

  opened(sessionId: string, address: string): () => void {
    return this.use.opened(sessionId, address);
  }

  async remainingOf(sessionIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const parameters = [this.config.accessTokenTtl, JSON.stringify(sessionIds)];
    const rows = await this.orm.em.fork().execute<{ id: string; left: number }[]>(REMAINING, parameters);
    return new Map(rows.map(({ id, left }) => [id, left]));
  }
}
