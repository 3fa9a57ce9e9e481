// Closes sockets when their session ends, its newest access token expires, or they reach their maximum age. One sweep checks all sockets;
// there is no timer per socket.
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ACCOUNT_DISABLED, ACCOUNT_RESOURCE } from '../../access/rights.js';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { withTimeout } from '../../database/with-timeout.js';
import type { LogEvent } from '../../events/log-event.js';
import { LogFollower } from '../../events/log-follower.js';
import { PUB_SUB, type PubSub, type SessionWakeUp } from '../../pubsub/pubsub.port.js';
import { OpenSockets } from './open-sockets.js';
import { SOCKET_SESSIONS, type SocketSessions } from './socket-sessions.port.js';
import { CloseCode } from './close-codes.js';
import { DEADLINE_GRACE_MS, type Socket } from './socket.js';

/** ms that a socket stays open after its session has ended, to receive the answer to its own sign-out. */
const LAST_ANSWER_MS = 250;
/** ms between two sweeps. */
const SWEEP_MS = 500;
/** ms that a look-up in the database may take before it is retried. */
const LOOK_UP_TIMEOUT_MS = 5_000;

@Injectable()
export class SocketDeadlines implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(SocketDeadlines.name);
  private timer: NodeJS.Timeout | undefined;
  private unsubscribe: (() => void) | undefined;
  private lookingUp = false;

  constructor(
    @Inject(SOCKET_SESSIONS) private readonly sessions: SocketSessions,
    private readonly sockets: OpenSockets,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(PUB_SUB) private readonly pubSub: PubSub,
    private readonly follower: LogFollower,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.pubSub.subscribe('session', (wakeUp) => this.refreshed(wakeUp));
    this.follower.on('rights', (event) => this.closeEnded(event));
    this.follower.onBroken(() => this.closeAll());
    this.timer = setInterval(() => this.sweep(), SWEEP_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.unsubscribe?.();
  }

  /** When `socket` will be closed unless something renews it, as far as this instance knows now. */
  deadlineOf(socket: Socket): Date {
    return new Date(Math.min(socket.deadline, this.greatestAgeOf(socket)));
  }

  /** The session has a new access token: extends the deadline of its sockets, on whichever instance it was issued. */
  private refreshed({ accountId, sessionId, expiresAt }: SessionWakeUp): void {
    const latest = Math.min(expiresAt, Date.now() + this.config.accessTokenTtl);
    for (const socket of this.sockets.of(accountId)) {
      if (socket.credential?.sessionId === sessionId) socket.extend(latest + DEADLINE_GRACE_MS);
    }
  }

  private closeEnded(event: LogEvent): void {
    const ended = new Set(this.sessions.endedBy(event));
    const disabled = event.resource.kind === ACCOUNT_RESOURCE && event.kind === ACCOUNT_DISABLED;
    if (ended.size === 0 && !disabled) return;
    for (const socket of this.sockets) {
      const { presented } = socket;
      if (!presented) continue;
      const isEnded = ended.has(presented.sessionId) || (disabled && presented.accountId === event.resource.id);
      if (!isEnded) continue;
      socket.closeAfterAnswers(CloseCode.Unauthenticated, 'Session ended', LAST_ANSWER_MS);
    }
  }

  /** Their subscribers may have events that this log does not hold: when they reconnect, their cursors show it. */
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

  /** Wake-ups get lost: before sockets are closed their sessions are looked up, all in one statement. */
  private async lookUp(due: readonly Socket[]): Promise<void> {
    try {
      const ids = [...new Set(due.flatMap(({ credential }) => credential?.sessionId ?? []))];
      const remaining = await withTimeout(LOOK_UP_TIMEOUT_MS, () => this.sessions.remainingOf(ids));
      const now = Date.now();
      for (const socket of due) {
        socket.extend(
          now + (remaining.get(socket.credential?.sessionId ?? '') ?? Number.NEGATIVE_INFINITY) + DEADLINE_GRACE_MS,
        );
        if (now >= socket.deadline) socket.close(CloseCode.Expired, 'Access token expired');
      }
    } catch (error) {
      // An instance whose database is unavailable delivers nothing: its sockets stay until it is back.
      this.logger.debug(`Sessions of sockets could not be looked up: ${String(error)}`);
    }
  }

  private greatestAgeOf({ openedAt }: Socket): number {
    return openedAt + this.config.socketMaxAge;
  }
}
