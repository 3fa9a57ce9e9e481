// Connections to Redis, for pub/sub and for limits: as REDIS_URL says, and such that none of their failures ends the process.
import { createConnection, isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';
import { readRedisUrl } from '../config/redis-url.js';
import { type TlsFiles, tlsFiles } from '../config/tls-files.js';

/** ms that the other side has to close a connection that we have ended. */
const DISCONNECT_TIMEOUT_MS = 100;

/** `options` beside what the URL says. Throws a `ConfigError` if files that it names cannot be read. */
export function redisClient(url: string, options: RedisOptions): Redis {
  const address = readRedisUrl(url);
  if (typeof address === 'string') throw new TypeError(`REDIS_URL ${address}`);
  const { host, port, username, password, database, tls } = address;
  const files = tlsFiles('REDIS_URL', address);
  return new Redis({
    ...options,
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    db: database,
    // For ioredis itself: it waits for the handshake.
    ...(tls ? { tls: {} } : {}),
    Connector: connectorTo(host, port, files),
    lazyConnect: true,
    // What asks for more than the commands that are sent needs a right of its own, or may wait without end.
    enableOfflineQueue: false,
    enableReadyCheck: false,
    disableClientInfo: true,
  });
}

/** Reads the certificates anew for each connection: they may be replaced while we run. */
function connectorTo(host: string, port: number, files: TlsFiles | undefined) {
  return class extends AbstractConnector {
    override firstError: Error | undefined;

    constructor() {
      super(DISCONNECT_TIMEOUT_MS);
    }

    override async connect(): Promise<Socket | TLSSocket> {
      this.connecting = true;
      await Promise.resolve();
      if (!this.connecting) throw new Error('Connection is closed.');
      const stream = files
        ? connect({ host, port, ...(isIP(host) ? {} : { servername: host }), ...files.options() })
        : createConnection({ host, port });
      // ioredis hears one error. A handshake that fails may have two: the certificate, and then what the other side says of it.
      stream.on('error', (error) => {
        this.firstError ??= error;
      });
      this.stream = stream;
      return stream;
    }
  };
}
