// Two WebSocket clients: the stock graphql-ws client, and one that sends arbitrary frames for protocol violations.
import { type Client, type ClientOptions, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Data, GraphqlError } from './graphql-client.js';
import { within } from './wait.js';

export interface SubscriptionResult {
  readonly data?: Data;
  readonly errors?: readonly GraphqlError[];
}

/** A running subscription. Results are read in order. */
export class Watch {
  private readonly results: SubscriptionResult[] = [];
  private waiting: (() => void) | undefined;
  /** Resolves on `complete`; rejects with the errors of an `error` message, or with the close event. */
  readonly ended: Promise<void>;
  private readonly unsubscribe: () => void;

  constructor(client: Client, query: string, variables?: Record<string, unknown>) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ended = promise;
    promise.catch(() => {});
    this.unsubscribe = client.subscribe<Data>(
      { query, ...(variables ? { variables } : {}) },
      {
        next: (result) => {
          this.results.push(result as SubscriptionResult);
          this.waiting?.();
        },
        error: (error) =>
          reject(error instanceof Error ? error : Object.assign(new Error('subscription ended'), { cause: error })),
        complete: () => resolve(),
      },
    );
  }

  /** The next result; rejects after `ms`. */
  async next(ms = 60_000): Promise<SubscriptionResult> {
    if (this.results.length === 0) {
      const arrival = new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
      await within(ms, Promise.race([arrival, this.ended]), 'nothing arrived on the subscription');
    }
    const result = this.results.shift();
    if (!result) throw new Error('the subscription completed');
    return result;
  }

  /** Results received but not yet read. */
  get pending(): readonly SubscriptionResult[] {
    return this.results;
  }

  stop(): void {
    this.unsubscribe();
  }
}

/** The stock client; authenticates by `connection_init`. */
export class SocketClient {
  readonly client: Client;
  private readonly watches: Watch[] = [];

  constructor(url: string, accessToken: string | undefined, options: Partial<ClientOptions> = {}) {
    this.client = createClient({
      url: `${url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      ...(accessToken ? { connectionParams: { authorization: `Bearer ${accessToken}` } } : {}),
      retryAttempts: 0,
      ...options,
    });
  }

  subscribe(query: string, variables?: Record<string, unknown>): Watch {
    const watch = new Watch(this.client, query, variables);
    this.watches.push(watch);
    return watch;
  }

  async close(): Promise<void> {
    for (const watch of this.watches) watch.stop();
    await this.client.dispose();
  }
}

/** A WebSocket without a protocol library: sends exactly the given frames. */
export class RawSocket {
  readonly messages: { type: string; id?: string; payload?: Data }[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  private waiting: (() => void) | undefined;

  private constructor(readonly ws: WebSocket) {
    ws.on('message', (data) => {
      this.messages.push(JSON.parse((data as Buffer).toString()));
      this.waiting?.();
    });
    this.closed = new Promise((resolve) => {
      ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** Opens a socket with optional request headers. Rejects if the upgrade is refused. */
  static async open(
    url: string,
    headers: Record<string, string> = {},
    protocol = 'graphql-transport-ws',
  ): Promise<RawSocket> {
    const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/graphql`, protocol, { headers });
    const socket = new RawSocket(ws);
    await new Promise<void>((resolve, reject) => {
      ws.once('open', () => resolve());
      ws.once('error', reject);
    });
    ws.on('error', () => {});
    return socket;
  }

  /** Opens a socket and authenticates. */
  static async signedIn(url: string, accessToken: string): Promise<RawSocket> {
    const socket = await RawSocket.open(url);
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${accessToken}` } });
    await socket.next('connection_ack');
    return socket;
  }

  send(message: unknown): void {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next message of `type`, skipping others. */
  async next(type: string, ms = 60_000): Promise<{ type: string; id?: string; payload?: Data }> {
    const deadline = Date.now() + ms;
    for (;;) {
      const at = this.messages.findIndex((message) => message.type === type);
      if (at >= 0) return this.messages.splice(0, at + 1).at(-1)!;
      const arrival = new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
      const gone = this.closed.then(({ code }) => Promise.reject(new Error(`closed with ${code} before ${type}`)));
      gone.catch(() => {});
      await within(deadline - Date.now(), Promise.race([arrival, gone]), `no ${type} arrived`);
    }
  }

  async close(): Promise<void> {
    this.ws.close();
    await this.closed;
  }
}
