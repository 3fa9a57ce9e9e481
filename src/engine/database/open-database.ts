// Opens the database at DATABASE_URL: finds the startup parameters that its server or pooler accepts, verifies its suitability, then
// creates the pools.
import { MikroORM } from '@mikro-orm/postgresql';
import type { DatabaseAddress } from '../config/database-url.js';
import { assertSuitable, type DatabaseFacts, databaseFacts } from './database-requirements.js';
import { type DatabaseContent, ormOptions } from './orm-options.js';
import { isDirect, keepingStatements } from './kept-statements.js';
import { addressOf, serviceClient } from './service-client.js';
import { type Parameters, refusesParameters, VARIANTS } from './startup-parameters.js';

export interface OpenDatabase {
  readonly orm: MikroORM;
  readonly facts: DatabaseFacts;
}

/** Throws an `UnsuitableDatabaseError`, a `ConfigError` for unreadable files, or the connection error. */
export async function openDatabase(url: string, content: DatabaseContent, poolSize: number): Promise<OpenDatabase> {
  const { parameters, facts } = await inspectDatabase(url, content);
  return { orm: await MikroORM.init(ormOptions(url, content, poolSize, parameters)), facts };
}

/** The accepted startup parameters, and facts about the database. */
export async function inspectDatabase(
  url: string,
  { applicationName }: Pick<DatabaseContent, 'applicationName'>,
): Promise<{ parameters: Parameters; facts: DatabaseFacts }> {
  const address = addressOf(url, applicationName);
  for (const [at, parameters] of VARIANTS.entries()) {
    try {
      const { facts, direct } = await visit(address, parameters);
      assertSuitable(facts);
      return { parameters: direct ? keepingStatements(parameters) : parameters, facts };
    } catch (error) {
      if (at === VARIANTS.length - 1 || !refusesParameters(error)) throw error;
    }
  }
  throw new Error('unreachable');
}

async function visit(
  address: DatabaseAddress,
  parameters: Parameters,
): Promise<{ readonly facts: DatabaseFacts; readonly direct: boolean }> {
  const client = new (serviceClient(address, parameters))();
  // A connection that is lost during a query rejects that query.
  client.on('error', () => {});
  try {
    await client.connect();
    const facts = await databaseFacts(client);
    return { facts, direct: isDirect(client, facts.backendPid) };
  } finally {
    await client.end().catch(() => {});
  }
}
