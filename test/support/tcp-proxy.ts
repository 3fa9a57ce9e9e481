// A TCP proxy on loopback with controllable faults.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /**
   * Drops all traffic in both directions without closing anything: new connections are accepted and stay silent. With
   * `only`, affects just the existing connections whose first bytes from the client satisfy it.
   */
  blackhole(only?: (firstBytes: string) => boolean): void;
  /** Answers new connections with 503 and closes them, like a reverse proxy without a healthy upstream. */
  answer503(): void;
  /** Forwards new connections to another port, like a reverse proxy that switches to another instance. */
  switchTo(port: number): void;
  /** Forwards everything again, including data held back, as a network retransmits it. */
  open(): void;
  /** Resets every connection, or every `nth`; new ones are accepted. */
  cut(nth?: number): void;
  /** Closes all connections and the listener. */
  stop(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  firstBytes: string;
}

export async function startTcpProxy(targetPort: number, targetHost = '127.0.0.1'): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let holding = false;
  let unavailable = false;
  let port = targetPort;

  const listener = createServer({ noDelay: true }, (client) => {
    if (unavailable) return refuse(client);
    const pair: Pair = { client, server: connect({ port, host: targetHost, noDelay: true }), firstBytes: '' };
    pairs.add(pair);
    client.on('data', (chunk: Buffer) => {
      if (pair.firstBytes.length < 1024) pair.firstBytes += chunk.toString('latin1');
    });
    for (const socket of [pair.client, pair.server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(pair);
        pair.client.destroy();
        pair.server.destroy();
      });
    }
    if (holding) hold(pair);
    else pass(pair);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  return {
    port: (listener.address() as AddressInfo).port,
    blackhole(only) {
      if (!only) holding = true;
      for (const pair of pairs) if (!only || only(pair.firstBytes)) hold(pair);
    },
    answer503() {
      unavailable = true;
    },
    switchTo(other) {
      port = other;
    },
    open() {
      holding = false;
      unavailable = false;
      for (const pair of pairs) pass(pair);
    },
    cut(nth = 1) {
      for (const { client, server } of [...pairs].filter((_, at) => at % nth === 0)) {
        client.resetAndDestroy();
        server.destroy();
      }
    },
    async stop() {
      const closed = once(listener, 'close');
      listener.close();
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      await closed;
    },
  };
}

function refuse(client: Socket): void {
  client.on('error', () => undefined);
  client.once('data', () => {
    client.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
}

function pass({ client, server }: Pair): void {
  // A second pipe would duplicate the data.
  client.unpipe(server).pipe(server);
  server.unpipe(client).pipe(client);
}

function hold({ client, server }: Pair): void {
  client.unpipe(server).pause();
  server.unpipe(client).pause();
}
