// Gives everyone the ORM, once the database has the tables that this version needs.
import { type DynamicModule, Global, Logger, Module } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { migrate } from './migrate.js';
import { type DatabaseContent, ormOptions } from './orm-options.js';

@Global()
@Module({})
export class DatabaseModule {
  static forRoot(url: string, content: DatabaseContent, poolSize: number): DynamicModule {
    const connect = async (): Promise<MikroORM> => {
      const orm = await MikroORM.init(ormOptions(url, content, poolSize));
      const applied = await migrate(orm);
      if (applied.length > 0) new Logger('Database').log(`Applied migrations: ${applied.join(', ')}`);
      return orm;
    };
    return { module: DatabaseModule, providers: [{ provide: MikroORM, useFactory: connect }], exports: [MikroORM] };
  }
}
