// The service as one thing to start and to stop, for the command line and for the tests alike.
import type { Server } from 'node:http';
import { MikroORM } from '@mikro-orm/postgresql';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { databaseContent } from './database-content.js';
import { prepareDemo } from './demo/prepare-demo.js';
import { Passwords } from './engine/passwords/passwords.js';
import type { AppConfig } from './boot/settings.js';
import { EventLog } from './engine/events/event-log.js';
import { useHttpEntry } from './engine/graphql/http/http-entry.js';
import { HealthChecks } from './engine/monitoring/health-checks.js';
import { assertKnownDatabase } from './engine/database/known-database.js';
import { ListenError } from './boot/listen-error.js';
import { Pages, type PageSources } from './pages/pages.js';

/** ms that requests under way have to end. */
const DRAIN_MS = 5_000;

export interface Tidings {
  readonly app: NestExpressApplication;
  /** `http://host:port`, as it listens. */
  readonly url: string;
  /** E-mail addresses of the demo accounts that can sign in. */
  readonly demo: readonly string[];
  /** Lets running work end, then closes everything that was opened. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts the service over the database at `databaseUrl`; it answers when this resolves, whether its pages are built by then or not.
 * `config` must be complete.
 */
export async function startTidings(
  config: AppConfig,
  databaseUrl: string,
  logger: LoggerService,
  sources: PageSources = {},
): Promise<Tidings> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(config, databaseUrl), {
    logger,
    bodyParser: false,
    abortOnError: false,
  });
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    app.get(HealthChecks).beginShutdown();
    const orm = app.get(MikroORM);
    const drained = drain(app.getHttpServer());
    await app.close().finally(drained);
    await orm.close(true);
  };
  const pages = new Pages(config, sources);
  useHttpEntry(app, config, pages.endpoint);
  pages.use(app);
  let demo: readonly string[];
  try {
    await assertKnownDatabase(app.get(MikroORM), databaseContent);
    await app.init();
    demo = await prepareDemo(config.demo, app.get(EventLog), app.get(Passwords));
    await app.listen(config.port, config.host).catch((error: unknown) => {
      throw new ListenError(config.host, config.port, error);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { app, url: await app.getUrl(), demo, stop: () => (stopping ??= stop()) };
}

/** Until the returned function is called: connections go as soon as they are idle, and all of them when time is up. */
function drain(server: Server): () => void {
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  return () => {
    clearInterval(idle);
    clearTimeout(late);
  };
}
