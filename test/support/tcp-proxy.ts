// A TCP proxy on loopback that misbehaves on demand, for fault tests.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /**
   * From now on nothing passes, either way, and nothing is closed: connections are still accepted and stay silent.
   * With `only`, just the existing connections on which the client's first bytes satisfy it.
   */
  blackhole(only?: (firstBytes: string) => boolean): void;
  /** From now on each new connection is answered 503 and closed, as by a proxy that has no instance to pass it on to. */
  answer503(): void;
  /** From now on new connections go to this port of the target, as when a proxy has found another instance. */
  switchTo(port: number): void;
  /** Lets everything pass again, what was held back too, as a network does. */
  open(): void;
  /** Resets every connection, or every `nth` one; new ones are accepted. */
  cut(nth?: number): void;
  /** Closes everything. */
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
  // Piped twice, everything would arrive twice.
  client.unpipe(server).pipe(server);
  server.unpipe(client).pipe(client);
}

function hold({ client, server }: Pair): void {
  client.unpipe(server).pause();
  server.unpipe(client).pause();
}
