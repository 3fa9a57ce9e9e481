// One WebSocket: what it says, what it is allowed, and its end. After `close` nothing from it is executed any more.
import type { RawData, WebSocket } from 'ws';
import type { ClientInfo } from '../access/role.js';
import type { ShownToken } from '../sessions/session.authenticator.js';

/** Close codes of ours, beside those of graphql-transport-ws. Stock clients stop at 4401 and come back after the others. */
export const CloseCode = {
  /** No or an invalid token, or the session has ended. */
  Unauthenticated: 4401,
  /** The token has expired. */
  Expired: 4403,
  BadRequest: 4400,
  Restart: 1012,
  TryAgainLater: 1013,
} as const;

/** Unsent bytes beyond which nothing more is read from the socket, until they have gone. */
const HIGH_WATER_BYTES = 1 << 20;
/** ms that a client has to answer our close, and to answer a ping: less when idle than when it lags behind. */
const CLOSE_GRACE_MS = 1_000;
const IDLE_PATIENCE_MS = 50_000;
const LAGGING_PATIENCE_MS = 90_000;

export class Socket {
  /** Set by connection_init: the token that says who it is. */
  shown: ShownToken | undefined;
  /** Ids of operations that run or are still ending. */
  readonly operations = new Set<string>();
  private deadline: NodeJS.Timeout | undefined;
  private heardAt = performance.now();
  private closing = false;

  constructor(
    private readonly ws: WebSocket,
    readonly client: ClientInfo,
    /** What the upgrade had in the cookie of the access token; undefined: no cookies of ours. */
    readonly accessCookie: string | undefined,
  ) {
    ws.on('pong', () => {
      this.heardAt = performance.now();
    });
  }

  get protocol(): string {
    return this.ws.protocol;
  }

  /** Whether anything may still be executed and sent. */
  get open(): boolean {
    return !this.closing && this.ws.readyState === this.ws.OPEN;
  }

  /** Hands on text messages while the socket is open; anything else closes it. */
  onMessage(listener: (text: string) => void): void {
    this.ws.on('message', (data: RawData, isBinary: boolean) => {
      this.heardAt = performance.now();
      if (!this.open) return;
      if (isBinary) this.close(CloseCode.BadRequest, 'Text messages only');
      else listener((data as Buffer).toString());
    });
  }

  onClose(listener: (code: number, reason: string) => void): void {
    this.ws.once('close', (code, reason) => {
      this.closing = true;
      clearTimeout(this.deadline);
      listener(code, reason.toString());
    });
  }

  /** Resolves when the message has been handed to the operating system: the pace of the reader is the pace of the writer. */
  send(text: string): Promise<void> {
    if (!this.open) return Promise.resolve();
    return new Promise((resolve) => {
      this.ws.send(text, () => {
        if (this.ws.isPaused && this.ws.bufferedAmount < HIGH_WATER_BYTES / 2) this.ws.resume();
        resolve();
      });
      if (this.ws.bufferedAmount > HIGH_WATER_BYTES) this.ws.pause();
    });
  }

  /** Closes at once for the server, and within a second for a client that does not answer. */
  close(code: number, reason: string): void {
    if (this.closing) return;
    this.closing = true;
    this.ws.close(code, reason);
    const timer = setTimeout(() => this.ws.terminate(), CLOSE_GRACE_MS);
    this.ws.once('close', () => clearTimeout(timer));
  }

  /** Closes with 4403 at `time` (ms since 1970), unless a later call moves it. */
  setDeadline(time: number): void {
    clearTimeout(this.deadline);
    const ms = Math.min(Math.max(time - Date.now(), 0), 2 ** 31 - 1);
    this.deadline = setTimeout(() => this.close(CloseCode.Expired, 'Access token expired'), ms);
  }

  /** Pings, and ends the connection of a client that has not been heard for too long. */
  checkAlive(): void {
    const patience = this.ws.bufferedAmount > 0 ? LAGGING_PATIENCE_MS : IDLE_PATIENCE_MS;
    if (performance.now() - this.heardAt > patience) this.ws.terminate();
    else if (this.open) this.ws.ping();
  }
}
