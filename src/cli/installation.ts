// The installation as a command sees it: its services over its database, for the time of one command.
import { MikroORM } from '@mikro-orm/postgresql';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { resolveSecrets } from '../engine/config/app-secret.js';
import { loadConfig } from '../engine/config/config.js';
import { service } from '../boot/service.js';
import { hasEmbeddedPostgres, shareEmbeddedPostgres } from '../embedded-postgres/embedded-postgres.js';
import type { EmbeddedPostgres } from '../embedded-postgres/embedded-postgres.js';
import { assertInstallation, assertKnownDatabase, NoInstallationError } from '../engine/database/known-database.js';
import { openDatabase } from '../engine/database/open-database.js';
import { type Domain, EngineModule } from '../engine/engine.module.js';

export class Installation {
  constructor(
    private readonly domain: Domain,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /**
   * Runs `work` over the database of DATABASE_URL, else the embedded one: that of the service if it runs, else started for
   * this. What `work` tells the log is followed by every instance that runs. Where there is no installation one is made.
   */
  async open<T>(work: (services: INestApplicationContext) => Promise<T>): Promise<T> {
    const config = await resolveSecrets(loadConfig(this.environment, service));
    let postgres: EmbeddedPostgres | undefined;
    let services: INestApplicationContext | undefined;
    try {
      if (config.embedded) postgres = await shareEmbeddedPostgres({ dataDir: config.dataDir });
      const module = EngineModule.forAdministration(config, postgres?.url ?? config.databaseUrl!, this.domain);
      services = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
      await assertKnownDatabase(services.get(MikroORM), this.domain.content);
      return await work(services);
    } finally {
      await services?.close();
      await services?.get(MikroORM).close(true);
      await postgres?.stop();
    }
  }

  /**
   * For what is of no use without an installation: a slip in DATABASE_URL must not leave tables in somebody's database. Throws
   * {@link NoInstallationError}.
   */
  async assertThere(): Promise<void> {
    const { dataDir, databaseUrl } = loadConfig(this.environment, service);
    if (databaseUrl === undefined) {
      if (hasEmbeddedPostgres(dataDir)) return;
      throw new NoInstallationError(`There is no installation in ${dataDir}. Is DATA_DIR right?`);
    }
    const { orm } = await openDatabase(databaseUrl, this.domain.content, 1);
    try {
      await assertInstallation(orm);
    } finally {
      await orm.close(true);
    }
  }
}
