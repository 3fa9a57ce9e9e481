// One WebSocket: what it says, what it is allowed, and its end. After `close` nothing from it is executed any more.
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { ClientInfo } from '../access/role.js';
import { BEGINNING_BYTES, MAX_MESSAGE_BYTES } from '../limits/message-size.js';
import type { AccessClaims } from '../sessions/access-tokens.js';
import type { ShownToken } from '../sessions/presented-tokens.js';
import { WeightedSemaphore } from './fan-out/flow-control.js';
import { LATER, withAdvice } from './sockets/retry-advice.js';
import { type Operation, RunningOperations } from './sockets/running-operations.js';

/** Close codes of ours, beside those of graphql-transport-ws. Stock clients stop at 4401 and come back after the others. */
export const CloseCode = {
  /** No or an invalid token, or the session has ended. */
  Unauthenticated: 4401,
  /** The token has expired. */
  Expired: 4403,
  BadRequest: 4400,
  IdInUse: 4409,
  TooLarge: 1009,
  Restart: 1012,
  TryAgainLater: 1013,
} as const;

/** Unsent bytes beyond which nothing more is read from the socket, until they have gone. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Cost, in fields, of the operations whose answers are made at a time or have not been taken by the client. */
const MAX_ANSWERS = 20_000;
/** ms that a client has to answer our close, and to answer a ping: less when idle than when it lags behind. */
const CLOSE_GRACE_MS = 1_000;
const IDLE_PATIENCE_MS = 50_000;
const LAGGING_PATIENCE_MS = 90_000;
/** ms without an answer to a ping, after which the socket makes room for another one of its account, should there be none. */
const ANSWER_MS = 5_000;
/** ms that a socket outlives its access token, so that a renewal can arrive. */
export const DEADLINE_GRACE_MS = 10_000;

export class Socket {
  /** Set by connection_init: the token that says who it is. */
  shown: ShownToken | undefined;
  /** Operations that run or are still ending. */
  readonly operations = new RunningOperations();
  /** ms since 1970. */
  readonly openedAt = Date.now();
  /** When it is closed unless it is renewed, ms since 1970; before connection_init there is another limit. */
  deadline = Number.POSITIVE_INFINITY;
  private heardAt = performance.now();
  /** When the first ping was sent that has not been answered; a message is an answer as well. */
  private pingedAt: number | undefined;
  private closing = false;
  /** Nothing is read, because of what was read before. */
  private held = false;
  /** The code that we have closed it with. */
  private closedWith: number | undefined;
  /** It is to be closed with the answers under way, and with nothing else. */
  private goAway: (() => void) | undefined;
  /** Made when it is first needed: most sockets do nothing but listen. */
  private answers: { readonly semaphore: WeightedSemaphore; readonly costs: Map<Operation, number> } | undefined;
  /** Who waits for the reader. */
  private drainage: (() => void)[] = [];

  /** `stream`: the connection under `ws`. */
  constructor(
    private readonly ws: WebSocket,
    private readonly stream: Duplex,
    readonly client: ClientInfo,
    /** What the upgrade had in the cookie of the access token; undefined: no cookies of ours. */
    readonly accessCookie: string | undefined,
  ) {
    stream.on('drain', () => this.hasDrained());
    ws.on('pong', () => this.heard());
  }

  /** What that token says. */
  get claims(): AccessClaims | undefined {
    return this.shown?.claims;
  }

  get protocol(): string {
    return this.ws.protocol;
  }

  /** Whether anything may still be executed and sent. */
  get open(): boolean {
    return !this.closing && !this.goAway && this.ws.readyState === this.ws.OPEN && !this.stream.destroyed;
  }

  /** Whether it was us who closed it. */
  get closedByUs(): boolean {
    return this.closedWith !== undefined;
  }

  /**
   * Hands on text messages while the socket is open; anything else closes it. `onTooLarge` is called with the beginning of a message
   * that is larger than any that may be executed.
   */
  onMessage(listener: (text: string) => void, onTooLarge: (beginning: string) => void): void {
    this.ws.on('message', (data: RawData, isBinary: boolean) => {
      this.heard();
      if (!this.open) return;
      if (isBinary) this.close(CloseCode.BadRequest, 'Text messages only');
      else if ((data as Buffer).length > MAX_MESSAGE_BYTES) {
        onTooLarge((data as Buffer).toString('utf8', 0, BEGINNING_BYTES));
      } else listener((data as Buffer).toString());
    });
  }

  /** Calls `listener` when it is closed, with the code that was sent first: ours, or the client's. */
  onClose(listener: (code: number, reason: string) => void): void {
    this.ws.once('close', (code, reason) => {
      this.closing = true;
      listener(this.closedWith ?? code, reason.toString());
    });
  }

  /**
   * Sends a frame of graphql-ws. Resolves when it has been handed to the operating system: the pace of the reader is the pace of the
   * writer.
   */
  send(frame: string): Promise<void> {
    const text = this.open || this.isLastAnswer(frame) ? this.operations.addressed(frame) : undefined;
    if (text === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.ws.send(text, () => {
        if (this.ws.bufferedAmount < HIGH_WATER_BYTES / 2) this.read();
        resolve();
      });
      if (this.ws.bufferedAmount > HIGH_WATER_BYTES) this.ws.pause();
    });
  }

  /** Bytes that have been written and not taken by the operating system. */
  get bufferedBytes(): number {
    return this.stream.writableLength;
  }

  /** Bytes of messages that have not come as a whole; ws has no public name for them. */
  get receivedBytes(): number {
    const receiver = Reflect.get(this.ws, '_receiver') as object | null;
    if (!receiver) return 0;
    return Number(Reflect.get(receiver, '_bufferedBytes')) + Number(Reflect.get(receiver, '_messageLength'));
  }

  /** Whether so much is unsent that nothing more may be queued. */
  get lagging(): boolean {
    return this.stream.writableLength > HIGH_WATER_BYTES;
  }

  /** Whether what was written has been taken, or nearly. */
  get drained(): boolean {
    return !this.stream.writableNeedDrain;
  }

  /** Calls `listener` once, when what was written has been taken; never if the socket closes before. */
  onDrained(listener: () => void): void {
    if (this.drained) setImmediate(listener);
    else this.drainage.push(listener);
  }

  /**
   * Sends whole frames, unmasked, in order with all other messages: ws itself writes a frame in one go, without a queue. Whether the
   * operating system has taken them; if not, they are held here until it does.
   */
  write(frames: Buffer): boolean {
    if (!this.open) return true;
    this.stream.write(frames);
    if (this.lagging) this.ws.pause();
    return this.stream.writableLength === 0;
  }

  /** Reads nothing more until {@link release}. */
  hold(): void {
    this.held = true;
    this.ws.pause();
  }

  release(): void {
    this.held = false;
    // What it has sent meanwhile, pongs among it, is read from now on.
    this.heardAt = performance.now();
    if (!this.lagging) this.read();
  }

  private read(): void {
    if (this.ws.isPaused && !this.held) this.ws.resume();
  }

  private hasDrained(): void {
    this.read();
    const waiting = this.drainage.splice(0);
    for (const listener of waiting) listener();
  }

  /**
   * Closes at once for the server, and within a second for a client that does not answer. Whoever is to try again later is told when.
   */
  close(code: number, reason: string): void {
    if (this.closing) return;
    this.closing = true;
    this.closedWith = code;
    this.ws.close(code, code === CloseCode.TryAgainLater ? withAdvice(reason, LATER) : reason);
    const timer = setTimeout(() => this.ws.terminate(), CLOSE_GRACE_MS);
    this.ws.once('close', () => clearTimeout(timer));
  }

  /**
   * From now on nothing is read and nothing executed; the queries and mutations under way are answered, and then it closes: after
   * `patience` ms in any case.
   */
  closeAfterAnswers(code: number, reason: string, patience: number): void {
    if (this.closing) return;
    this.goAway = () => this.close(code, reason);
    this.leaveIfAnswered();
    if (this.closing) return;
    const timer = setTimeout(this.goAway, patience);
    this.ws.once('close', () => clearTimeout(timer));
  }

  /** Resolves when the operation may make an answer of this cost; true: others had to be taken by the client first. */
  async enter(operation: Operation, cost: number): Promise<boolean> {
    const { semaphore, costs } = (this.answers ??= {
      semaphore: new WeightedSemaphore(MAX_ANSWERS),
      costs: new Map(),
    });
    const waits = !semaphore.tryAcquire(cost);
    if (waits) await semaphore.acquire(cost);
    costs.set(operation, cost);
    return waits;
  }

  /** The answer for which the operation has entered, if it has, was sent, or will never be. */
  leave(operation: Operation): void {
    const cost = this.answers?.costs.get(operation);
    if (cost === undefined) return;
    this.answers!.costs.delete(operation);
    this.answers!.semaphore.release(cost);
  }

  /** The operation has ended, whatever it was. */
  ended(operation: Operation): void {
    this.leave(operation);
    this.operations.end(operation);
    this.leaveIfAnswered();
  }

  /** Is not closed for its token before `time` (ms since 1970). Never takes away what an earlier call gave. */
  extend(time: number): void {
    if (time > this.deadline) this.deadline = time;
  }

  /** Pings, and ends the connection of a client that has not been heard for too long: not while it is us who do not listen. */
  checkAlive(): void {
    if (this.held) return;
    const patience = this.ws.bufferedAmount > 0 ? LAGGING_PATIENCE_MS : IDLE_PATIENCE_MS;
    if (performance.now() - this.heardAt > patience) this.ws.terminate();
    else this.ping();
  }

  /** Asks the client whether it is there, unless it was heard lately or has been asked. */
  probe(): void {
    if (this.pingedAt === undefined && performance.now() - this.heardAt > ANSWER_MS) this.ping();
  }

  private ping(): void {
    if (!this.open) return;
    this.pingedAt ??= performance.now();
    this.ws.ping();
  }

  /** Whether the client has not answered a ping for so long that it is probably gone. What we do not read may hold its answer. */
  get silent(): boolean {
    return this.pingedAt !== undefined && !this.held && performance.now() - this.pingedAt > ANSWER_MS;
  }

  private heard(): void {
    this.heardAt = performance.now();
    this.pingedAt = undefined;
  }

  private isLastAnswer(frame: string): boolean {
    return !this.closing && this.goAway !== undefined && this.operations.ofFrame(frame)?.awaited === true;
  }

  private leaveIfAnswered(): void {
    if (this.goAway && ![...this.operations].some(({ awaited }) => awaited)) this.goAway();
  }
}
