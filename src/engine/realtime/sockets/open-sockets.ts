// The sockets of this instance: all of them, by account once they are signed in, and by the operation that one of them carries.
import { Inject, Injectable } from '@nestjs/common';
import type { OperationContext } from '../../access/operation-context.js';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { networkOf } from '../../limits/client-network.js';
import { build } from '../../monitoring/build.js';
import { CloseCode } from './close-codes.js';
import type { Socket } from './socket.js';
import { SOCKET_SESSIONS, type SocketSessions } from './socket-sessions.port.js';
import { ConnectionQueue } from './connection-queue.js';

/** Sockets of one account on one instance. */
export const MAX_SOCKETS = 100;
/** Sockets that have not signed in yet: of one network, and of all. */
export const MAX_UNAUTHENTICATED = { network: 256, all: 1_024 };
/** Operations, subscriptions among them, that one socket, and all sockets of one account on one instance, may run at a time. */
export const MAX_OPERATIONS = 100;
export const MAX_ACCOUNT_OPERATIONS = 1_000;

/** Close codes of others that are counted by themselves, beside ours: a client may choose any of some thousands. */
const COUNTED_CLIENT_CODES: ReadonlySet<number> = new Set([1000, 1001, 1005, 1006, 1009]);

@Injectable()
export class OpenSockets implements Iterable<Socket> {
  /** Sockets closed so far, by code; `null`: codes that clients invented. */
  readonly closes = new Map<number | null, number>();
  /** Refusals so far: sockets of an account, operations of all its sockets, operations of one socket. */
  readonly refusals = { sockets: 0, operations: 0, socket: 0 };
  /** Silent sockets closed so far to make room for others of their account. */
  silentClosed = 0;
  /** Admits clients that connect at the same time. */
  readonly queue = new ConnectionQueue();
  private readonly all = new Set<Socket>();
  private readonly byAccount = new Map<string, Set<Socket>>();
  /** Sockets that have not signed in, by network, the oldest first; and the network of each. */
  private readonly unauthenticatedByNetwork = new Map<string, Set<Socket>>();
  private readonly unauthenticated = new Map<Socket, string>();
  private readonly socketByContext = new WeakMap<OperationContext, Socket>();

  constructor(
    @Inject(SOCKET_SESSIONS) private readonly sessions: SocketSessions,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  [Symbol.iterator](): Iterator<Socket> {
    return this.all.values();
  }

  get size(): number {
    return this.all.size;
  }

  /** The build that clients of this instance are told when they connect. */
  build(): Promise<string> {
    return build(this.config.service.documents);
  }

  /** Registers the socket until it is closed. */
  add(socket: Socket): void {
    this.all.add(socket);
    const network = networkOf(socket.client.address);
    this.unauthenticated.set(socket, network);
    this.unauthenticatedByNetwork.set(network, (this.unauthenticatedByNetwork.get(network) ?? new Set()).add(socket));
    socket.onClose((code) => {
      this.all.delete(socket);
      this.removeUnauthenticated(socket);
      const counted = socket.closedByUs || COUNTED_CLIENT_CODES.has(code) ? code : null;
      this.closes.set(counted, (this.closes.get(counted) ?? 0) + 1);
    });
  }

  /**
   * Admits the socket for the account of the token that it presented. Returns false and changes nothing if the account has too
   * many sockets that answer pings. Silent ones are closed first: a client may reconnect long before its old socket times out.
   */
  admit(socket: Socket): boolean {
    if (!socket.presented) return false;
    const { accountId, sessionId } = socket.presented;
    const siblings = this.byAccount.get(accountId) ?? new Set();
    if (this.config.rateLimits && !this.makeRoom(accountId, () => siblings.size < MAX_SOCKETS)) {
      this.refusals.sockets += 1;
      return false;
    }
    this.byAccount.set(accountId, siblings.add(socket));
    this.removeUnauthenticated(socket);
    socket.admitted = true;
    const closed = this.sessions.opened(sessionId, socket.client.address);
    socket.onClose(() => {
      closed();
      siblings.delete(socket);
      if (siblings.size === 0 && this.byAccount.get(accountId) === siblings) this.byAccount.delete(accountId);
    });
    return true;
  }

  /**
   * The bound on sockets before sign-in that refuses another one from `address`. If the instance has too many, the network with the most
   * makes room: its oldest socket is closed, so that a client cannot keep others out by silent connections.
   */
  limitReachedAt(address: string): 'network' | 'instance' | undefined {
    const own = this.unauthenticatedByNetwork.get(networkOf(address))?.size ?? 0;
    if (this.config.rateLimits && own >= MAX_UNAUTHENTICATED.network) return 'network';
    if (this.unauthenticated.size < MAX_UNAUTHENTICATED.all) return undefined;
    const [largest] = [...this.unauthenticatedByNetwork.values()].toSorted((one, other) => other.size - one.size);
    if (!largest || largest.size <= own) return 'instance';
    const [oldest] = largest;
    oldest?.close(CloseCode.TryAgainLater, 'Too many connections without connection_init');
    if (oldest) this.removeUnauthenticated(oldest);
    return undefined;
  }

  /** Sockets that have not signed in. */
  get unauthenticatedCount(): number {
    return this.unauthenticated.size;
  }

  /** The sockets of an account that are signed in. */
  of(accountId: string): Iterable<Socket> {
    return this.byAccount.get(accountId) ?? [];
  }

  /** Whether the operation that the socket has just begun is one too many. */
  exceedsOperationLimit(socket: Socket): boolean {
    const bound = this.operationLimitReached(socket);
    if (bound) this.refusals[bound] += 1;
    return bound !== undefined;
  }

  private operationLimitReached({ operations, credential }: Socket): 'socket' | 'operations' | undefined {
    if (operations.size > MAX_OPERATIONS) return 'socket';
    if (!this.config.rateLimits || !credential) return undefined;
    const hasRoom = () => this.runningOf(credential.accountId) <= MAX_ACCOUNT_OPERATIONS;
    return this.makeRoom(credential.accountId, hasRoom) ? undefined : 'operations';
  }

  private runningOf(accountId: string): number {
    let running = 0;
    for (const { operations } of this.of(accountId)) running += operations.size;
    return running;
  }

  /** Closes silent sockets of the account until it has room; if that does not suffice, pings the others. */
  private makeRoom(accountId: string, hasRoom: () => boolean): boolean {
    if (hasRoom()) return true;
    const own = this.byAccount.get(accountId);
    for (const socket of own ?? []) {
      if (!socket.silent) continue;
      socket.close(CloseCode.TryAgainLater, 'Silent while others of the account need its place');
      own?.delete(socket);
      this.silentClosed += 1;
      if (hasRoom()) return true;
    }
    for (const socket of own ?? []) socket.probe();
    return false;
  }

  /** Records that the operation arrived over `socket`. */
  bind(context: OperationContext, socket: Socket): void {
    this.socketByContext.set(context, socket);
  }

  /** The socket that the operation arrived over; undefined: it arrived over HTTP. */
  socketOf(context: OperationContext): Socket | undefined {
    return this.socketByContext.get(context);
  }

  /** The socket is a stranger no longer. */
  private removeUnauthenticated(socket: Socket): void {
    const network = this.unauthenticated.get(socket);
    if (network === undefined) return;
    this.unauthenticated.delete(socket);
    const others = this.unauthenticatedByNetwork.get(network);
    others?.delete(socket);
    if (others?.size === 0) this.unauthenticatedByNetwork.delete(network);
  }
}
