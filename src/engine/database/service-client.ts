// The class of all connections to PostgreSQL: configured by DATABASE_URL, with session settings in the startup packet. Prevents `pg`
// from using PGSSLMODE, PGOPTIONS and the like.
import { Client, type ClientConfig } from 'pg';
import { type DatabaseAddress, readDatabaseUrl } from '../config/database-url.js';
import { type Parameters, VARIANTS } from './startup-parameters.js';
import { tlsFiles } from '../config/tls-files.js';
import { includesPlanOnce } from './kept-statements.js';

export type ServiceClient = new (config?: Pick<ClientConfig, 'types'>) => Client;

/** Connections to `address` with these settings. Throws a `ConfigError` if its files cannot be read. */
export function serviceClient(address: DatabaseAddress, parameters: Parameters = VARIANTS[0]): ServiceClient {
  const files = tlsFiles('DATABASE_URL', address);
  const { host, port, user, password, database, tls, applicationName, options, connectTimeoutMs } = address;
  return class extends Client {
    /** See kept-statements.ts. */
    readonly keepsStatements = includesPlanOnce(parameters);

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
        // Enables pipelining (see `commitWith`).
        pipeline: true,
        connectionTimeoutMillis: connectTimeoutMs,
        ...(tls?.direct ? { sslnegotiation: 'direct' } : {}),
      });
    }

    /** The encoding as `pg` sends it: UTF8. */
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

/** DATABASE_URL as validated at the start; `applicationName` is the default. */
export function addressOf(url: string, applicationName = ''): DatabaseAddress {
  const address = readDatabaseUrl(url);
  if (typeof address === 'string') throw new TypeError(`DATABASE_URL ${address}`);
  return { ...address, applicationName: address.applicationName || applicationName };
}
