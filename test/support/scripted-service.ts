// A fake service whose results and events are written by the test, for timings that the real service rarely produces.
// Speaks GraphQL over HTTP and graphql-transport-ws.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from './wait.js';

export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A subscription opened by a client. */
export interface OpenSubscription extends Operation {
  next(data: object): void;
  error(code: string): void;
}

/** An AuthPayload, as passed to `adopt`. */
export const payloadOf = (id: string, name = id): object => ({
  user: { id, name, email: null, role: 'EDITOR' },
  accessToken: `access of ${id}`,
  refreshToken: `refresh of ${id}`,
});

export class ScriptedService {
  /** Operations received over HTTP, in order. */
  readonly asked: Operation[] = [];
  /** Currently open subscriptions. */
  readonly open = new Map<string, OpenSubscription>();
  /** All subscriptions ever opened. */
  readonly opened: OpenSubscription[] = [];
  private readonly sockets = new WebSocketServer({ noServer: true });
  private readonly server = createServer((incoming, outgoing) => {
    void (async () => {
      const operation = JSON.parse(await text(incoming)) as Operation;
      this.asked.push(operation);
      outgoing.setHeader('content-type', 'application/json').end(JSON.stringify(await this.answer(operation)));
    })();
  });

  private constructor(
    /** Result of a query or mutation; may be a promise. */
    public answer: (operation: Operation) => object | Promise<object>,
  ) {}

  static async start(answer: ScriptedService['answer']): Promise<ScriptedService> {
    const service = new ScriptedService(answer);
    service.server.on('upgrade', (request, socket, head) =>
      service.sockets.handleUpgrade(request, socket, head, (ws) => service.serve(ws)),
    );
    service.server.listen(0, '127.0.0.1');
    await once(service.server, 'listening');
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/graphql`;
  }

  async stop(): Promise<void> {
    for (const ws of this.sockets.clients) ws.terminate();
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  /** Waits for the `n`th subscription (from 1) to `field`. */
  async subscription(field: string, n = 1): Promise<OpenSubscription> {
    const all = () => this.opened.filter(({ query }) => query.includes(field));
    await until(() => all().length >= n, `there was subscription ${n} to ${field}`);
    return all()[n - 1]!;
  }

  private serve(ws: WebSocket): void {
    const send = (message: object): void => ws.send(JSON.stringify(message));
    const own = new Set<string>();
    ws.on('close', () => own.forEach((key) => this.open.delete(key)));
    ws.on('message', (data: Buffer) => {
      const { type, id, payload } = JSON.parse(data.toString()) as { type: string; id: string; payload: Operation };
      if (type === 'connection_init') send({ type: 'connection_ack' });
      if (type === 'ping') send({ type: 'pong', payload: { ...payload, behind: 0 } });
      if (type === 'complete') this.open.delete(id);
      if (type !== 'subscribe') return;
      const subscription: OpenSubscription = {
        ...payload,
        next: (part) => send({ type: 'next', id, payload: { data: part } }),
        error: (code) => send({ type: 'error', id, payload: [{ message: `It is ${code}.`, extensions: { code } }] }),
      };
      own.add(id);
      this.open.set(id, subscription);
      this.opened.push(subscription);
    });
  }
}
