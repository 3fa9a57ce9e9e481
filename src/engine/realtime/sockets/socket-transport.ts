// The connection of one socket: bytes in and out, flow control, liveness of the client, and the close. Does not know accounts or
// operations.
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { MAX_MESSAGE_BYTES } from '../../limits/message-size.js';
import { CloseCode } from './close-codes.js';
import { LATER, withAdvice } from './retry-advice.js';

/** Unsent bytes beyond which nothing more is read from the socket, until they have gone. */
const HIGH_WATER_BYTES = 256 * 1024;
/** ms that a client has to answer our close, and to answer a ping: less when idle than when it lags behind. */
const CLOSE_GRACE_MS = 1_000;
const IDLE_TIMEOUT_MS = 50_000;
const LAGGING_TIMEOUT_MS = 90_000;
/** ms without an answer to a ping, after which the socket makes room for another one of its account, should there be none. */
const PONG_TIMEOUT_MS = 5_000;

const now = (): number => performance.now();

export class SocketTransport {
  protected closing = false;
  /** ms on a clock that only goes forward. */
  clock = now;
  private lastReceivedAt = now();
  /** When the first ping was sent that has not been answered; a message is an answer as well. */
  private pingedAt: number | undefined;
  /** Reading is paused until the messages read before are handled. */
  private readingPaused = false;
  /** The code that we have closed it with. */
  private closeCode: number | undefined;
  /** Called when the socket has been drained. */
  private drainListeners: (() => void)[] = [];

  /** `stream`: the connection under `ws`. */
  constructor(
    private readonly ws: WebSocket,
    private readonly stream: Duplex,
  ) {
    stream.on('drain', () => this.onStreamDrained());
    ws.on('pong', () => this.received());
  }

  get protocol(): string {
    return this.ws.protocol;
  }

  /** Whether anything may still be sent. */
  get open(): boolean {
    return !this.closing && this.ws.readyState === this.ws.OPEN && !this.stream.destroyed;
  }

  /** Whether it was us who closed it. */
  get closedByUs(): boolean {
    return this.closeCode !== undefined;
  }

  /**
   * Hands on text messages while the socket is open; anything else closes it. A message that is larger than any that may be executed
   * remains a buffer.
   */
  onMessage(listener: (message: string | Buffer) => void): void {
    this.ws.on('message', (data: RawData, isBinary: boolean) => {
      this.received();
      if (!this.open) return;
      if (isBinary) this.close(CloseCode.BadRequest, 'Text messages only');
      else listener((data as Buffer).length > MAX_MESSAGE_BYTES ? (data as Buffer) : (data as Buffer).toString());
    });
  }

  /** Calls `listener` when it is closed, with the code that was sent first: ours, or the client's. */
  onClose(listener: (code: number, reason: string) => void): void {
    this.ws.once('close', (code, reason) => {
      this.closing = true;
      listener(this.closeCode ?? code, reason.toString());
    });
  }

  /** Resolves when the message has been handed to the operating system, so that a slow reader slows the writer down. */
  protected sendMessage(text: string): Promise<void> {
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

  /** Bytes of incomplete messages; ws has no public property for them. */
  get receivedBytes(): number {
    const receiver = Reflect.get(this.ws, '_receiver') as object | null;
    if (!receiver) return 0;
    return Number(Reflect.get(receiver, '_bufferedBytes')) + Number(Reflect.get(receiver, '_messageLength'));
  }

  /** Whether so much is unsent that nothing more may be queued. */
  get lagging(): boolean {
    return this.stream.writableLength > HIGH_WATER_BYTES;
  }

  /** Whether the operating system has taken the written bytes, or nearly all of them. */
  get drained(): boolean {
    return !this.stream.writableNeedDrain;
  }

  /** Calls `listener` once, when the written bytes have been taken; never if the socket closes before. */
  onDrained(listener: () => void): void {
    if (this.drained) setImmediate(listener);
    else this.drainListeners.push(listener);
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

  /** Reads nothing more until {@link resumeReading}. */
  pauseReading(): void {
    this.readingPaused = true;
    this.ws.pause();
  }

  resumeReading(): void {
    this.readingPaused = false;
    // Messages that were sent meanwhile, pongs among them, are read from now on.
    this.lastReceivedAt = this.clock();
    if (!this.lagging) this.read();
  }

  private read(): void {
    if (this.ws.isPaused && !this.readingPaused) this.ws.resume();
  }

  private onStreamDrained(): void {
    this.read();
    const waiting = this.drainListeners.splice(0);
    for (const listener of waiting) listener();
  }

  /**
   * Closes at once for the server, and within a second for a client that does not answer. With TryAgainLater the reason advises when to reconnect.
   */
  close(code: number, reason: string): void {
    if (this.closing) return;
    this.closing = true;
    this.closeCode = code;
    this.ws.close(code, code === CloseCode.TryAgainLater ? withAdvice(reason, LATER) : reason);
    const timer = setTimeout(() => this.ws.terminate(), CLOSE_GRACE_MS);
    this.ws.once('close', () => clearTimeout(timer));
  }

  /** Pings, and ends the connection if the client has sent nothing for too long. Does nothing while reading is paused. */
  checkAlive(): void {
    if (this.readingPaused) return;
    const patience = this.ws.bufferedAmount > 0 ? LAGGING_TIMEOUT_MS : IDLE_TIMEOUT_MS;
    if (this.clock() - this.lastReceivedAt > patience) this.ws.terminate();
    else this.ping();
  }

  /** Pings the client, unless it has sent something lately or has not answered the last ping. */
  probe(): void {
    if (this.pingedAt === undefined && this.clock() - this.lastReceivedAt > PONG_TIMEOUT_MS) this.ping();
  }

  private ping(): void {
    if (!this.open) return;
    this.pingedAt ??= this.clock();
    this.ws.ping();
  }

  /** Whether the client has been sent a ping and has not answered it. */
  get awaitingPong(): boolean {
    return this.pingedAt !== undefined;
  }

  /** Whether the client has not answered a ping for so long that it is probably gone. False while reading is paused: the answer may be unread. */
  get silent(): boolean {
    return this.pingedAt !== undefined && !this.readingPaused && this.clock() - this.pingedAt > PONG_TIMEOUT_MS;
  }

  private received(): void {
    this.lastReceivedAt = this.clock();
    this.pingedAt = undefined;
  }
}
