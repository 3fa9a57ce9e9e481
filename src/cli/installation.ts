// The installation as a command sees it: its services over its database, for the time of one command.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MikroORM } from '@mikro-orm/postgresql';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { resolveSecrets } from '../engine/config/app-secret.js';
import { type Config, loadConfig } from '../engine/config/config.js';
import { visitEmbeddedPostgres } from '../engine/database/embedded-guest.js';
import type { EmbeddedPostgres } from '../engine/database/embedded-postgres.js';
import { assertKnownDatabase } from '../engine/database/known-database.js';
import { ormOptions } from '../engine/database/orm-options.js';
import { CliModule, type Domain } from './cli.module.js';
import { NoInstallationError } from './usage-error.js';

/** What is in DATA_DIR once the embedded database was made. */
const MADE = ['postgres', 'postgres.location'];
const HAS_LOG = `select to_regclass('log_head') is not null as there`;

export class Installation {
  constructor(
    private readonly domain: Domain,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /**
   * Runs `work` over the database of DATABASE_URL, else the embedded one: that of the service if it runs, else started for
   * this. What `work` tells the log is followed by every node that runs. Only if it `mayMake` an installation is one made where there
   * is none: else a slip in DATABASE_URL would leave tables in somebody's database. Throws {@link NoInstallationError}.
   */
  async open<T>(work: (services: INestApplicationContext) => Promise<T>, mayMake: boolean): Promise<T> {
    const given = loadConfig(this.environment);
    if (!mayMake) await this.assertThere(given);
    const config = await resolveSecrets(given);
    let postgres: EmbeddedPostgres | undefined;
    let services: INestApplicationContext | undefined;
    try {
      if (config.embedded) postgres = await visitEmbeddedPostgres({ dataDir: config.dataDir });
      const module = CliModule.forRoot(config, postgres?.url ?? config.databaseUrl!, this.domain);
      services = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
      await assertKnownDatabase(services.get(MikroORM), this.domain.content);
      return await work(services);
    } finally {
      await services?.close();
      await services?.get(MikroORM).close(true);
      await postgres?.stop();
    }
  }

  private async assertThere({ dataDir, databaseUrl }: Config): Promise<void> {
    if (databaseUrl === undefined) {
      if (MADE.some((name) => existsSync(join(dataDir, name)))) return;
      throw new NoInstallationError(`There is no Tidings in ${dataDir}. Is DATA_DIR right?`);
    }
    const orm = await MikroORM.init(ormOptions(databaseUrl, this.domain.content, 1));
    try {
      const [row] = await orm.em.fork().execute<{ there: boolean }[]>(HAS_LOG);
      if (!row?.there) throw new NoInstallationError('There is no Tidings in the database of DATABASE_URL.');
    } finally {
      await orm.close(true);
    }
  }
}
