// One socket: its account, its operations and their answers, and its deadline. After `close` nothing from it is executed any more. The
// connection itself is a SocketTransport.
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ClientInfo } from '../../access/role.js';
import { WeightedSemaphore } from '../flow-control/weighted-semaphore.js';
import { type Operation, RunningOperations } from './running-operations.js';
import type { SocketCredential } from './socket-sessions.port.js';
import { SocketTransport } from './socket-transport.js';

/** Cost, in fields, of the operations that may execute at a time or whose answers the client has not read. */
const MAX_ANSWER_COST = 20_000;
/** ms that a socket outlives its access token, so that a renewal can arrive. */
export const DEADLINE_GRACE_MS = 10_000;

/** A message of graphql-transport-ws, without the id of an operation. */
export interface Message {
  readonly type: string;
  readonly payload?: unknown;
}

export class Socket extends SocketTransport {
  /** The access token of connection_init, before it is known whether its session lives: should that end meanwhile, the socket closes. */
  presented: SocketCredential | undefined;
  /** Whether connection_init was accepted. Before that the client is a stranger, whatever it presented. */
  admitted = false;
  /** Operations that run or are still ending. */
  readonly operations = new RunningOperations();
  /** ms since 1970. */
  readonly openedAt = Date.now();
  /** When it is closed unless it is renewed, ms since 1970; before connection_init there is another limit. */
  deadline = Number.POSITIVE_INFINITY;
  /** Set once the socket is to be closed after its last answers; closes it. */
  private closeWhenAnswered: (() => void) | undefined;
  /** Created on first use: most sockets only subscribe. */
  private answers: { readonly semaphore: WeightedSemaphore; readonly costs: Map<Operation, number> } | undefined;

  constructor(
    ws: WebSocket,
    stream: Duplex,
    readonly client: ClientInfo,
    /** The cookie of the access token that the upgrade had; undefined: it had none, or its origin may not use cookies. */
    readonly accessCookie: string | undefined,
  ) {
    super(ws, stream);
  }

  /** The credential that the socket is admitted with; undefined until connection_init was accepted. */
  get credential(): SocketCredential | undefined {
    return this.admitted ? this.presented : undefined;
  }

  /** Whether anything may still be executed and sent. */
  override get open(): boolean {
    return !this.closeWhenAnswered && super.open;
  }

  /** Sends a message of the connection itself, and resolves when the operating system has it. */
  async send(message: Message): Promise<void> {
    if (this.open) await this.sendMessage(JSON.stringify(message));
  }

  /**
   * Sends a message of an operation under the client's id, and resolves when the operating system has it. It is discarded if the client
   * has completed the operation, or if the socket waits for its last answers and this is none of them.
   */
  async sendFor(operation: Operation, message: Message): Promise<void> {
    const isLastAnswer = !this.closing && this.closeWhenAnswered !== undefined && operation.awaited;
    if (operation.completed || !(this.open || isLastAnswer)) return;
    await this.sendMessage(JSON.stringify({ id: operation.id, ...message }));
  }

  /** Sends a message that graphql-ws has written under the operation's key, with the operation's `result` if it has one. */
  async forward(text: string): Promise<void> {
    const { id: key, ...message } = JSON.parse(text) as Message & { readonly id?: string };
    if (key === undefined) return this.send(message);
    const operation = this.operations.get(key);
    if (!operation) return;
    const { result } = operation;
    operation.result = undefined;
    return this.sendFor(operation, result ? { ...message, payload: result } : message);
  }

  /**
   * From now on nothing is read and nothing executed; the queries and mutations under way are answered, and then it closes: after
   * `patience` ms in any case.
   */
  closeAfterAnswers(code: number, reason: string, patience: number): void {
    if (this.closing) return;
    this.closeWhenAnswered = () => this.close(code, reason);
    this.closeIfAnswered();
    if (this.closing) return;
    const timer = setTimeout(this.closeWhenAnswered, patience);
    this.onClose(() => clearTimeout(timer));
  }

  /** Resolves when the operation may make an answer of this cost; true: others had to be taken by the client first. */
  async acquireAnswer(operation: Operation, cost: number): Promise<boolean> {
    const { semaphore, costs } = (this.answers ??= {
      semaphore: new WeightedSemaphore(MAX_ANSWER_COST),
      costs: new Map(),
    });
    const waits = !semaphore.tryAcquire(cost);
    if (waits) await semaphore.acquire(cost);
    costs.set(operation, cost);
    return waits;
  }

  /** The answer for which the operation has entered, if it has, was sent, or will never be. */
  releaseAnswer(operation: Operation): void {
    const cost = this.answers?.costs.get(operation);
    if (cost === undefined) return;
    this.answers!.costs.delete(operation);
    this.answers!.semaphore.release(cost);
  }

  /** The operation has ended. */
  ended(operation: Operation): void {
    this.releaseAnswer(operation);
    this.operations.end(operation);
    this.closeIfAnswered();
  }

  /** Is not closed for its token before `time` (ms since 1970). Never shortens an earlier extension. */
  extend(time: number): void {
    if (time > this.deadline) this.deadline = time;
  }

  private closeIfAnswered(): void {
    if (this.closeWhenAnswered && ![...this.operations].some(({ awaited }) => awaited)) this.closeWhenAnswered();
  }
}
