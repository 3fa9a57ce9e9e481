// Provides the ORM, after pending migrations were applied.
import { type DynamicModule, Global, Logger, Module } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { migrate } from './migrate.js';
import { openDatabase } from './open-database.js';
import type { DatabaseContent } from './orm-options.js';
import { addressOf } from './service-client.js';

@Global()
@Module({})
export class DatabaseModule {
  static forRoot(url: string, content: DatabaseContent, poolSize: number): DynamicModule {
    const connect = async (): Promise<MikroORM> => {
      const { orm, facts } = await openDatabase(url, content, poolSize);
      const logger = new Logger('Database');
      logger.log(`PostgreSQL ${facts.release}, ${addressOf(url).tls ? 'with' : 'without'} TLS`);
      const applied = await migrate(orm);
      if (applied.length > 0) logger.log(`Applied migrations: ${applied.join(', ')}`);
      return orm;
    };
    return { module: DatabaseModule, providers: [{ provide: MikroORM, useFactory: connect }], exports: [MikroORM] };
  }
}
