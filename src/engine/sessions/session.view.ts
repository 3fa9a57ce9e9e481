// Which sessions live, known to this node without a statement per request: read once, then kept true by the log.
import { Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { Transport } from '../access/role.js';
import type { LogEvent } from '../events/log-event.js';
import { LogFollower } from '../events/log-follower.js';
import { LogView } from '../events/log-view.js';

/** Event of an account: the sessions in `facts.sessionIds` have ended, because of `facts.reason`. */
export const SESSIONS_ENDED = 'SESSIONS_ENDED';

export interface LiveSession {
  readonly accountId: string;
  readonly transport: Transport;
  ended: boolean;
}

interface SessionRow {
  readonly pos: number;
  readonly account_id: string | null;
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
      load: (id) => this.load(id),
      affects: (event) => endedSessions(event),
      apply: (session) => {
        session.ended = true;
      },
    });
  }

  get(sessionId: string): LiveSession | undefined | Promise<LiveSession | undefined> {
    return this.view.get(sessionId);
  }

  private async load(id: string): Promise<{ pos: number; value: LiveSession | undefined }> {
    const sql = `select head.pos::float8 as pos, session.account_id, session.transport, session.ended_at is not null as ended
                   from log_head head left join session on session.id = ? where head.partition = 0`;
    const [row] = await this.orm.em.fork().execute<SessionRow[]>(sql, [id]);
    if (!row?.account_id) return { pos: row?.pos ?? 0, value: undefined };
    return { pos: row.pos, value: { accountId: row.account_id, transport: row.transport, ended: row.ended } };
  }
}

/** Ids of the sessions that `event` says have ended. */
export function endedSessions(event: LogEvent): readonly string[] {
  const ended = event.resource.kind === ACCOUNT_RESOURCE && event.kind === SESSIONS_ENDED;
  return ended ? (event.facts['sessionIds'] as readonly string[]) : [];
}
