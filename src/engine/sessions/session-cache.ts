// Caches which sessions are live: read once, then updated by the log, without a statement per request.
import { Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { Transport } from '../access/role.js';
import { factsOf } from '../events/event-facts.js';
import type { LogEvent } from '../events/log-event.js';
import { LogFollower } from '../events/log-follower.js';
import { gathered, LogCache } from '../events/log-cache.js';

/** Event of an account: the sessions in `facts.sessionIds` ended, for `facts.reason`. */
export const SESSIONS_ENDED = 'SESSIONS_ENDED';
export const sessionsEndedFacts = z.object({ sessionIds: z.array(z.guid()).readonly(), reason: z.string() });

export interface LiveSession {
  readonly accountId: string;
  readonly transport: Transport;
  ended: boolean;
}

interface SessionRow {
  readonly pos: number;
  /** `null` in the only row if there is no such session. */
  readonly id: string | null;
  readonly account_id: string;
  readonly transport: Transport;
  readonly ended: boolean;
}

@Injectable()
export class SessionCache {
  private readonly sessions: LogCache<LiveSession>;

  constructor(
    private readonly orm: MikroORM,
    follower: LogFollower,
  ) {
    this.sessions = new LogCache(follower, {
      max: 100_000,
      load: gathered((ids) => this.load(ids)),
      affects: (event) => endedSessions(event),
      apply: (session) => {
        session.ended = true;
      },
    });
  }

  get(sessionId: string): LiveSession | undefined | Promise<LiveSession | undefined> {
    return this.sessions.get(sessionId);
  }

  private async load(ids: readonly string[]): Promise<{ pos: number; values: Map<string, LiveSession> }> {
    const sql = `select head.pos::float8 as pos, session.id, session.account_id, session.transport, session.ended_at is not null as ended
                   from log_head head left join session on session.id = any(string_to_array(?, ',')::uuid[])`;
    const rows = await this.orm.em.fork().execute<SessionRow[]>(sql, [ids.join(',')]);
    const values = new Map<string, LiveSession>();
    for (const { id, account_id: accountId, transport, ended } of rows) {
      if (id !== null) values.set(id, { accountId, transport, ended });
    }
    return { pos: rows[0]?.pos ?? 0, values };
  }
}

/** Ids of the sessions that `event` says have ended. */
export function endedSessions(event: LogEvent): readonly string[] {
  const ended = event.resource.kind === ACCOUNT_RESOURCE && event.kind === SESSIONS_ENDED;
  return ended ? factsOf(sessionsEndedFacts, event).sessionIds : [];
}
