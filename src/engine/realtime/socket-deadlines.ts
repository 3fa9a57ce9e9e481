// How long sockets live: until their session ends, as far as its newest access token carries them, and no socket indefinitely. One sweep looks
// at all of them; a socket has no timer of its own.
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { ACCOUNT_DISABLED, ACCOUNT_RESOURCE } from '../access/rights.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { answered } from '../database/answered.js';
import type { LogEvent } from '../events/log-event.js';
import { LogFollower } from '../events/log-follower.js';
import { PUB_SUB, type PubSub, type SessionRing } from '../pubsub/doorbell.port.js';
import { endedSessions } from '../sessions/session.view.js';
import { OpenSockets } from './open-sockets.js';
import { CloseCode, DEADLINE_GRACE_MS, type Socket } from './socket.js';

/** ms in which a socket whose session has ended may still be answered what it asked before: its own sign-out. */
const LAST_ANSWER_MS = 250;
/** ms between two looks at all deadlines. */
const SWEEP_MS = 500;
/** ms that a look-up in the database may take before it is tried anew. */
const LOOK_UP_TIMEOUT_MS = 5_000;

/**
 * ms that the newest access token of each session still has, as far as the session's row tells: it was issued at the last
 * rotation. On the database's clock, as a difference, so that no two clocks are compared.
 */
const REFRESHED = `
select id, (extract(epoch from least(rotated_at + ? * interval '1 ms', idle_expires_at) - clock_timestamp()) * 1000)::float8 as left
  from session
 where id in (select value::uuid from json_array_elements_text(?::json)) and ended_at is null and rotated_at is not null`;

@Injectable()
export class SocketDeadlines implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(SocketDeadlines.name);
  private timer: NodeJS.Timeout | undefined;
  private unsubscribe: (() => void) | undefined;
  private lookingUp = false;

  constructor(
    private readonly orm: MikroORM,
    private readonly sockets: OpenSockets,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(PUB_SUB) private readonly doorbell: PubSub,
    private readonly follower: LogFollower,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.doorbell.subscribe('session', (ring) => this.refreshed(ring));
    this.follower.on('rights', (event) => this.closeEnded(event));
    this.follower.onBroken(() => this.closeAll());
    this.timer = setInterval(() => this.sweep(), SWEEP_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.unsubscribe?.();
  }

  /** When `socket` will be closed unless something renews it, as far as this node knows now. */
  deadlineOf(socket: Socket): Date {
    return new Date(Math.min(socket.deadline, this.greatestAgeOf(socket)));
  }

  /** The session has a new access token: its sockets live on with it, whoever asked for it and wherever. */
  private refreshed({ accountId, sessionId, expiresAt }: SessionRing): void {
    const latest = Math.min(expiresAt, Date.now() + this.config.accessTokenTtl);
    for (const socket of this.sockets.of(accountId)) {
      if (socket.claims?.sid === sessionId) socket.extend(latest + DEADLINE_GRACE_MS);
    }
  }

  private closeEnded(event: LogEvent): void {
    const ended = new Set(endedSessions(event));
    const disabled = event.resource.kind === ACCOUNT_RESOURCE && event.kind === ACCOUNT_DISABLED;
    if (ended.size === 0 && !disabled) return;
    for (const socket of this.sockets) {
      const { claims } = socket;
      if (!claims || !(ended.has(claims.sid) || (disabled && claims.sub === event.resource.id))) continue;
      socket.closeAfterAnswers(CloseCode.Unauthenticated, 'Session ended', LAST_ANSWER_MS);
    }
  }

  /** Their subscribers know what this log does not hold: when they come back, their cursors tell. */
  private closeAll(): void {
    for (const socket of this.sockets) socket.close(CloseCode.TryAgainLater, 'Try again later');
  }

  private sweep(): void {
    const now = Date.now();
    const due: Socket[] = [];
    for (const socket of this.sockets) {
      if (now >= this.greatestAgeOf(socket)) socket.close(CloseCode.Expired, 'Connection too old');
      else if (now >= socket.deadline) due.push(socket);
    }
    if (due.length === 0 || this.lookingUp) return;
    this.lookingUp = true;
    void this.lookUp(due).finally(() => (this.lookingUp = false));
  }

  /** Rings get lost: before a socket is closed its session is looked up, all that are due in one statement. */
  private async lookUp(due: readonly Socket[]): Promise<void> {
    try {
      const ids = [...new Set(due.map(({ claims }) => claims?.sid))];
      const rows = await answered(LOOK_UP_TIMEOUT_MS, () =>
        this.orm.em
          .fork()
          .execute<{ id: string; left: number }[]>(REFRESHED, [this.config.accessTokenTtl, JSON.stringify(ids)]),
      );
      const left = new Map(rows.map((row) => [row.id, row.left]));
      const now = Date.now();
      for (const socket of due) {
        socket.extend(now + (left.get(socket.claims?.sid ?? '') ?? Number.NEGATIVE_INFINITY) + DEADLINE_GRACE_MS);
        if (now >= socket.deadline) socket.close(CloseCode.Expired, 'Access token expired');
      }
    } catch (error) {
      // It cannot be known now. A node whose database is away delivers nothing: its sockets stay until it is back.
      this.logger.debug(`Sessions of sockets could not be looked up: ${String(error)}`);
    }
  }

  private greatestAgeOf({ openedAt }: Socket): number {
    return openedAt + this.config.socketMaxAge;
  }
}
