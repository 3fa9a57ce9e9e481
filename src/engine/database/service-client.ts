// The one kind of connection to PostgreSQL that this service makes: as DATABASE_URL says, with the session's settings in the startup
// packet. `pg` itself would take what is missing from PGSSLMODE, PGOPTIONS and the like.
import { Client, type ClientConfig } from 'pg';
import { type DatabaseAddress, readDatabaseUrl } from '../config/database-url.js';
import { type Parameters, VARIANTS } from './startup-parameters.js';
import { tlsFiles } from '../config/tls-files.js';

export type ServiceClient = new (config?: Pick<ClientConfig, 'types'>) => Client;

/** Connections to `address` with these settings. Throws a `ConfigError` if files that it names cannot be read. */
export function serviceClient(address: DatabaseAddress, parameters: Parameters = VARIANTS[0]): ServiceClient {
  const files = tlsFiles('DATABASE_URL', address);
  const { host, port, user, password, database, tls, applicationName, options, connectTimeoutMs } = address;
  return class extends Client {
    constructor(config: Pick<ClientConfig, 'types'> = {}) {
      super({
        host,
        port,
        ...(user === undefined ? {} : { user }),
        ...(password === undefined ? {} : { password }),
        ...(database === undefined ? {} : { database }),
        ...(config.types ? { types: config.types } : {}),
        ssl: files?.options() ?? false,
        keepAlive: true,
        // Statements that are made without waiting for one another are sent so (see `commitWith`).
        pipeline: true,
        connectionTimeoutMillis: connectTimeoutMs,
        ...(tls?.direct ? { sslnegotiation: 'direct' } : {}),
      });
    }

    /** What `pg` sends after its own name for the encoding, UTF8. */
    getStartupConf(): Parameters {
      return {
        user: this.user ?? '',
        database: this.database ?? '',
        application_name: applicationName,
        ...(options === undefined ? {} : { options }),
        ...parameters,
      };
    }
  };
}

/** DATABASE_URL as it was checked at the start. */
export function addressOf(url: string): DatabaseAddress {
  const address = readDatabaseUrl(url);
  if (typeof address === 'string') throw new TypeError(`DATABASE_URL ${address}`);
  return address;
}
