// Connections to Redis, for pub/sub and limits, configured by REDIS_URL, whose failures never end the process.
import { createConnection, isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';
import { readRedisUrl } from '../config/redis-url.js';
import { type TlsFiles, tlsFiles } from '../config/tls-files.js';

/** ms for the other side to close a connection that we have ended. */
const DISCONNECT_TIMEOUT_MS = 100;

/** `options` in addition to the URL. Throws a `ConfigError` if its files cannot be read. */
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
    // For ioredis, which waits for the handshake.
    ...(tls ? { tls: {} } : {}),
    Connector: connectorTo(host, port, files),
    lazyConnect: true,
    // Optional commands of ioredis may need further permissions, or wait indefinitely.
    enableOfflineQueue: false,
    enableReadyCheck: false,
    disableClientInfo: true,
  });
}

/** Reads the certificates for each connection, so that they can be replaced at run time. */
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
      // ioredis expects one error. A failed handshake may have two: the certificate, and the other side's alert.
      stream.on('error', (error) => {
        this.firstError ??= error;
      });
      this.stream = stream;
      return stream;
    }
  };
}
