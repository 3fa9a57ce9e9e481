// The service as one thing to start and to stop, for the command line and for the tests alike.
import { MikroORM } from '@mikro-orm/postgresql';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import type { Config } from './engine/config/config.js';
import { useHttpEntry } from './engine/graphql/http-entry.js';
import { Health } from './engine/operations/health.js';

export interface Tidings {
  readonly app: NestExpressApplication;
  /** `http://host:port`, as it listens. */
  readonly url: string;
  /** Lets running work end, then closes everything that was opened. May be called twice. */
  stop(): Promise<void>;
}

/** Starts the service over the database at `databaseUrl`; it answers when this resolves. `config` must be complete. */
export async function startTidings(config: Config, databaseUrl: string, logger: LoggerService): Promise<Tidings> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(config, databaseUrl), {
    logger,
    bodyParser: false,
    abortOnError: false,
    forceCloseConnections: true,
  });
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    app.get(Health).leave();
    const orm = app.get(MikroORM);
    await app.close();
    await orm.close(true);
  };
  useHttpEntry(app, config);
  try {
    await app.listen(config.port, config.host);
  } catch (error) {
    await stop();
    throw error;
  }
  return { app, url: await app.getUrl(), stop: () => (stopping ??= stop()) };
}
