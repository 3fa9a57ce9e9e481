// Tracks the TCP connections of the HTTP server: number, peers, and unsent bytes of responses.
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import proxyAddr from 'proxy-addr';
import type { Counter } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Metrics } from '../monitoring/metrics.js';
import { networkOf } from './client-network.js';
import { type WriteProgress, writeProgressOf, stallOf } from './unread-response.js';

/** ms between two sweeps of all connections. */
const SWEEP_MS = 1_000;
/** ms in which a new connection must have sent the headers of its first request. */
const FIRST_REQUEST_MS = 15_000;
/** Unanswered requests per connection: more than one means HTTP pipelining. */
const MAX_PIPELINED = 16;

/** ms for which sums over all connections are cached. */
const SUM_MS = 50;

/** Responses to unreadable requests, by error code. */
const UNREADABLE: Readonly<Record<string, { readonly status: number; readonly reason: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'headers' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, reason: 'malformed' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'late' },
};

/** A request without a complete response, or whose response is unread. */
interface Exchange {
  readonly response: ServerResponse;
  /** The owner charged for the response: a network, or an account once known. */
  owner: string;
}

interface Connection {
  readonly openedAt: number;
  readonly exchanges: Set<Exchange>;
  requests: number;
  progress: WriteProgress | undefined;
}

@Injectable()
export class Connections implements OnApplicationShutdown {
  private readonly open = new Map<Socket, Connection>();
  /** Idle connections, the longest idle first. */
  private readonly idle = new Set<Socket>();
  private readonly perPeer = new Map<string, number>();
  private readonly exchanges = new Map<IncomingMessage, Exchange>();
  private readonly isProxy: (address: string) => boolean;
  private readonly closed: Counter<'reason'>;
  private summed = { at: Number.NEGATIVE_INFINITY, ...sumOf([]) };
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    metrics: Metrics,
  ) {
    const trusted = proxyAddr.compile([...config.trustProxy]);
    this.isProxy = (address) => trusted(address, 0);
    this.closed = metrics.counter(
      'connections_cut_total',
      'Connections closed by the service: full, peer, silent (no request), pipelined, unread, trickle, refused, headers (431), late (408), malformed.',
      'reason',
    );
    this.report(metrics);
  }

  /** Tracks connections of `server`, which must not listen yet. */
  attach(server: Server): void {
    server.on('connection', (socket) => this.opened(socket));
    server.on('clientError', (error, socket) => this.unreadable(error, socket as Socket));
    server.on('upgrade', (_request, socket) => this.idle.delete(socket as Socket));
    this.timer = setInterval(() => this.sweep(), SWEEP_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Tracks the request until its response was read. False, and the connection is closed, if too many are pipelined. */
  began(request: IncomingMessage, response: ServerResponse, owner: string): boolean {
    const { socket } = request;
    const connection = this.open.get(socket);
    if (!connection) return true;
    if (connection.exchanges.size >= MAX_PIPELINED) {
      this.cut(socket, 'pipelined');
      return false;
    }
    const exchange = { response, owner };
    connection.requests += 1;
    connection.exchanges.add(exchange);
    this.exchanges.set(request, exchange);
    this.idle.delete(socket);
    response.once('close', () => {
      connection.exchanges.delete(exchange);
      this.exchanges.delete(request);
      if (connection.exchanges.size === 0 && !socket.destroyed) this.idle.add(socket);
    });
    return true;
  }

  /** Charges the response to `owner` from now on. */
  belongsTo(request: IncomingMessage, owner: string): void {
    const exchange = this.exchanges.get(request);
    if (exchange) exchange.owner = owner;
  }

  /** Unsent bytes of responses: in total, and of one owner. Up to 50 ms old. */
  unsent(owner: string): { readonly all: number; readonly own: number } {
    const now = performance.now();
    if (now - this.summed.at > SUM_MS) this.summed = { at: now, ...sumOf(this.exchanges.values()) };
    return { all: this.summed.all, own: this.summed.byOwner.get(owner) ?? 0 };
  }

  /** Closes a connection at once. */
  cut(socket: Socket, reason: string): void {
    if (socket.destroyed) return;
    this.closed.inc({ reason });
    socket.destroy();
  }

  /** Node's default handling of an unreadable request, counted. */
  private unreadable({ code = '' }: NodeJS.ErrnoException, socket: Socket): void {
    const { status, reason } = UNREADABLE[code] ?? { status: 400, reason: 'malformed' };
    const answering = [...(this.open.get(socket)?.exchanges ?? [])].some(({ response }) => response.headersSent);
    if (socket.writable && code !== 'ECONNRESET') {
      this.closed.inc({ reason });
      const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n`;
      if (!answering) socket.write(head);
    }
    socket.destroySoon();
  }

  private opened(socket: Socket): void {
    const peer = networkOf(socket.remoteAddress ?? '');
    const mine = this.perPeer.get(peer) ?? 0;
    if (mine >= this.config.maxConnectionsPerAddress && !this.isProxy(socket.remoteAddress ?? '')) {
      return this.cut(socket, 'peer');
    }
    if (this.open.size >= this.config.maxConnections) {
      // Evicts the longest idle connection.
      const [victim] = this.idle;
      this.cut(victim ?? socket, 'full');
      if (!victim) return;
      this.forget(victim);
    }
    this.perPeer.set(peer, mine + 1);
    this.open.set(socket, { openedAt: performance.now(), exchanges: new Set(), requests: 0, progress: undefined });
    this.idle.add(socket);
    socket.once('close', () => {
      this.forget(socket);
      const left = (this.perPeer.get(peer) ?? 1) - 1;
      if (left > 0) this.perPeer.set(peer, left);
      else this.perPeer.delete(peer);
    });
  }

  private forget(socket: Socket): void {
    this.open.delete(socket);
    this.idle.delete(socket);
  }

  private sweep(): void {
    const now = performance.now();
    for (const [socket, connection] of this.open) {
      if (connection.exchanges.size > 0) {
        connection.progress = writeProgressOf(socket, now, connection.progress);
        const reason = stallOf(connection.progress, now);
        if (reason) this.cut(socket, reason);
      } else {
        connection.progress = undefined;
        const silent = connection.requests === 0 && now - connection.openedAt > FIRST_REQUEST_MS;
        if (silent && this.idle.has(socket)) this.cut(socket, 'silent');
      }
    }
  }

  private report(metrics: Metrics): void {
    metrics.gauge('connections', 'TCP connections to the HTTP server, WebSockets among them.', () => this.open.size);
    metrics.gauge(
      'unsent_response_bytes',
      'Bytes of HTTP responses that clients have not read.',
      () => sumOf(this.exchanges.values()).all,
    );
  }
}

function sumOf(exchanges: Iterable<Exchange>): { readonly all: number; readonly byOwner: Map<string, number> } {
  const byOwner = new Map<string, number>();
  let all = 0;
  for (const { owner, response } of exchanges) {
    const bytes = response.writableLength;
    if (bytes === 0) continue;
    all += bytes;
    byOwner.set(owner, (byOwner.get(owner) ?? 0) + bytes);
  }
  return { all, byOwner };
}
