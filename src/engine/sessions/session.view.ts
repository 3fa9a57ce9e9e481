// Which sessions live, known to this node without a statement per request: read once, then kept true by the log.
import { Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { Transport } from '../access/role.js';
import type { LogEvent } from '../events/log-event.js';
import { LogFollower } from '../events/log-follower.js';
import { gathered, LogView } from '../events/log-view.js';

/** Event of an account: the sessions in `facts.sessionIds` have ended, because of `facts.reason`. */
export const SESSIONS_ENDED = 'SESSIONS_ENDED';

export interface LiveSession {
  readonly accountId: string;
  readonly transport: Transport;
  ended: boolean;
}

interface SessionRow {
  readonly pos: number;
  /** `null` in the only row where there is no such session at all. */
  readonly id: string | null;
  readonly account_id: string;
  readonly transport: Transport;
  readonly ended: boolean;
}

@Injectable()
export class SessionView {
  private readonly view: LogView<LiveSession>;

  constructor(
    private readonly orm: MikroORM,
    follower: LogFollower,
  ) {
    this.view = new LogView(follower, {
      max: 100_000,
      load: gathered((ids) => this.load(ids)),
      affects: (event) => endedSessions(event),
      apply: (session) => {
        session.ended = true;
      },
    });
  }

  get(sessionId: string): LiveSession | undefined | Promise<LiveSession | undefined> {
    return this.view.get(sessionId);
  }

  private async load(ids: readonly string[]): Promise<{ pos: number; values: Map<string, LiveSession> }> {
    const sql = `select head.pos::float8 as pos, session.id, session.account_id, session.transport, session.ended_at is not null as ended
                   from log_head head left join session on session.id = any(string_to_array(?, ',')::uuid[])
                  where head.partition = 0`;
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
  return ended ? (event.facts['sessionIds'] as readonly string[]) : [];
}
