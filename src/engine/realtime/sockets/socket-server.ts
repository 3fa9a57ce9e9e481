// The WebSocket endpoint: we own the upgrade and the server, and drive graphql-ws's protocol through an adapter.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { handleProtocols, makeServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { ContextFactory } from '../../graphql/http/context-factory.js';
import { MAX_RECEIVED_BYTES } from '../../limits/message-size.js';
import { ownerOf } from '../../limits/client-network.js';
import { SOCKET_SESSIONS, type SocketSessions } from './socket-sessions.port.js';
import { OpenSockets } from './open-sockets.js';
import { CloseCode } from './close-codes.js';
import { Socket } from './socket.js';
import { PacedCloser } from './paced-closer.js';
import { MessageIntake } from './message-intake.js';
import { retryAdvice, withAdvice } from './retry-advice.js';
import { MAX_ID_BYTES } from './operation-id.js';
import { refuseTooLarge } from './too-large-messages.js';
import { SocketOperations } from './socket-operations.js';

/** Messages that a client may send; graphql-ws throws on server messages. */
const CLIENT_MESSAGES: ReadonlySet<unknown> = new Set(['connection_init', 'ping', 'pong', 'subscribe', 'complete']);
/** Levels of objects and lists in the payload of a ping. */
const MAX_PING_DEPTH = 100;
const KEEP_ALIVE_MS = 25_000;
const INIT_TIMEOUT_MS = 5_000;
const UNAVAILABLE = '503 Service Unavailable';
/** ms that running operations have to finish when this instance stops. */
const DRAIN_MS = 4_000;
/** Sockets that are asked to reconnect elsewhere at a time, at least; ms between two such slices, and how many there are at most. */
const MIN_SLICE = 100;
const SLICE_PAUSE_MS = 40;
const MAX_SLICES = 10;

interface ClientMessage {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly payload?: unknown;
}
type Receive = (message: ClientMessage) => Promise<void>;

@Injectable()
export class SocketServer implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(SocketServer.name);
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_RECEIVED_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols,
  });
  private readonly closer = new PacedCloser();
  private readonly protocol;
  private keepAlive: NodeJS.Timeout | undefined;
  private draining = false;

  constructor(
    private readonly http: HttpAdapterHost,
    private readonly operations: SocketOperations,
    private readonly contexts: ContextFactory,
    private readonly intake: MessageIntake,
    @Inject(SOCKET_SESSIONS) private readonly sessions: SocketSessions,
    private readonly sockets: OpenSockets,
  ) {
    this.protocol = makeServer({ ...operations.options, connectionInitWaitTimeout: INIT_TIMEOUT_MS });
  }

  onModuleInit(): void {
    const server = this.http.httpAdapter.getHttpServer() as Server;
    // Requests that offer another protocol, such as h2c of HTTP/2, are answered like requests without an upgrade.
    Object.assign(server, { shouldUpgradeCallback: ({ headers }: IncomingMessage) => isWebSocket(headers.upgrade) });
    this.server.on('wsClientError', (_error, stream, request) => rejectHandshake(stream, request));
    server.on('upgrade', (request, stream, head) => this.upgrade(request, stream, head));
    this.keepAlive = setInterval(() => {
      for (const socket of this.sockets) socket.checkAlive();
    }, KEEP_ALIVE_MS);
  }

  /** Open sockets of this instance. */
  get size(): number {
    return this.sockets.size;
  }

  /**
   * Asks every client to reconnect elsewhere, slice by slice, so that the other instances are not overloaded; finishes running operations,
   * and waits until all have gone.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.draining = true;
    clearInterval(this.keepAlive);
    const leaving = [...this.sockets];
    const gone = leaving.map((socket) => new Promise<void>((resolve) => socket.onClose(() => resolve())));
    const reason = withAdvice('Service restart', retryAdvice(leaving.length));
    const slice = Math.max(MIN_SLICE, Math.ceil(leaving.length / MAX_SLICES));
    for (let at = 0; at < leaving.length; at += slice) {
      if (at > 0) await pause(SLICE_PAUSE_MS);
      for (const socket of leaving.slice(at, at + slice)) {
        socket.closeAfterAnswers(CloseCode.Restart, reason, DRAIN_MS);
      }
    }
    await Promise.all(gone);
  }

  private upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    stream.on('error', () => stream.destroy());
    if (this.contexts.endpointOf(request.url) === undefined) reject(stream, '404 Not Found', []);
    else if (this.draining) reject(stream, UNAVAILABLE);
    else void this.admit(request, stream, head);
  }

  private async admit(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const { address } = this.contexts.clientOf(request);
    const admitted = await this.sockets.queue.admit(ownerOf(address), () => !stream.destroyed);
    if (!admitted || this.draining) return reject(stream, UNAVAILABLE);
    const crowd = this.sockets.limitReachedAt(address);
    if (crowd) return reject(stream, crowd === 'network' ? '429 Too Many Requests' : UNAVAILABLE);
    this.server.handleUpgrade(request, stream, head, (ws) => this.opened(ws, stream, request));
  }

  private opened(ws: WebSocket, stream: Duplex, request: IncomingMessage): void {
    this.closer.attach(stream);
    // Any page may connect and present a token in `connection_init`; cookies count for pages of ALLOWED_ORIGINS alone.
    const cookie = this.sessions.cookieOf(request.headers);
    const socket = new Socket(ws, stream, this.contexts.clientOf(request), cookie);
    this.sockets.add(socket);
    ws.on('error', (error) => this.logger.debug(`A socket failed: ${error.message}`));
    let receive: Receive | undefined;
    const closed = this.protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => socket.forward(text),
        close: (code, reason) => socket.close(code ?? 1000, reason ?? ''),
        onMessage: (listener) => {
          // It takes a message that is parsed already as well.
          receive = listener as Receive;
        },
        onPing: (payload) => this.operations.pong(socket, payload),
      },
      { socket },
    );
    socket.onMessage(
      this.intake.of(socket, (message) => {
        if (typeof message === 'string') void this.received(socket, clientMessage(message), receive);
        else refuseTooLarge(socket, message);
      }),
    );
    socket.onClose((code, reason) => void closed(code, reason));
  }

  /** Hands a message to graphql-ws; an operation's promise lasts as long as the operation. */
  private async received(socket: Socket, message: ClientMessage | undefined, receive?: Receive): Promise<void> {
    if (!message) return socket.close(CloseCode.BadRequest, 'Invalid message received');
    const { type, id } = message;
    const isSubscribe = type === 'subscribe';
    // An id that is none is refused by graphql-ws.
    if (!(isSubscribe || type === 'complete') || typeof id !== 'string' || id === '') {
      return this.handle(socket, () => receive?.(message));
    }
    if (isSubscribe && Buffer.byteLength(id) > MAX_ID_BYTES) {
      return socket.close(CloseCode.BadRequest, `Operation ids have at most ${MAX_ID_BYTES} bytes`);
    }
    const operation = isSubscribe ? socket.operations.begin(id) : socket.operations.complete(id);
    if (!operation)
      return isSubscribe ? socket.close(CloseCode.IdInUse, 'Subscriber for this id already exists') : undefined;
    await this.handle(socket, () => receive?.({ ...message, id: operation.key }));
    if (isSubscribe) socket.ended(operation);
  }

  private async handle(socket: Socket, work: () => Promise<void> | undefined): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.logger.error('A message could not be handled', error instanceof Error ? error.stack : String(error));
      socket.close(4500, 'Internal server error');
    }
  }
}

/** A message that a client may send, as far as it is judged here; graphql-ws looks at the rest. */
function clientMessage(text: string): ClientMessage | undefined {
  try {
    const message = JSON.parse(text) as ClientMessage | null;
    if (!message || !CLIENT_MESSAGES.has(message.type)) return undefined;
    // The payload of a ping is sent back in the pong, and JSON.stringify overflows the stack on deep values.
    return message.type === 'ping' && isNestedDeeper(message.payload, MAX_PING_DEPTH) ? undefined : message;
  } catch {
    return undefined;
  }
}

function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((part) => isNestedDeeper(part, levels - 1));
}

function isWebSocket(protocol: string | undefined): boolean {
  return protocol?.trim().toLowerCase() === 'websocket';
}

/** Answers an upgrade and lets go: a client that does not close its side keeps nothing open. */
function reject(stream: Duplex, status: string, headers = ['Retry-After: 1']): void {
  stream.once('finish', () => stream.destroy());
  const all = [...headers, 'Cache-Control: no-store', 'Connection: close', 'Content-Length: 0'];
  stream.end(`HTTP/1.1 ${status}\r\n${all.join('\r\n')}\r\n\r\n`);
}

/** Answers an upgrade that is no handshake of WebSocket (RFC 6455, section 4.2). */
function rejectHandshake(stream: Duplex, { method }: IncomingMessage): void {
  if (method === 'GET') reject(stream, '400 Bad Request', ['Sec-WebSocket-Version: 13']);
  else reject(stream, '405 Method Not Allowed', ['Allow: GET']);
}
