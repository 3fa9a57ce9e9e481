// The command line's `start`: reads the configuration, starts what it needs, serves until it is told to stop.
import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoggerService } from '@nestjs/common';
import type { Tidings } from './app.js';
import { resolveSecrets } from './engine/config/app-secret.js';
import { loadConfig, readEnvironment, withBoundPort } from './engine/config/config.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres/embedded-postgres.js';
import { serviceLogger } from './engine/monitoring/service-logger.js';
import { freePort } from './boot/free-port.js';
import { onStopSignal } from './boot/stop-signals.js';
import { describeFailure } from './boot/start-failure.js';
import { welcome } from './boot/welcome.js';
import { PageBuild, pagesOf } from './pages/page-build.js';
import { service } from './boot/service.js';

/** ms that running work has to end, before the database is stopped all the same. */
const STOP_TIMEOUT_MS = 8_000;
/** ms after which a second signal means impatience. Under npm, Ctrl-C comes twice at once: from the terminal and from npm. */
const SAME_SIGNAL_MS = 1_000;

async function main(): Promise<void> {
  const given = loadConfig(readEnvironment(), service);
  const config = await resolveSecrets(withBoundPort(given, given.port || (await freePort(given.host))));
  const logger = serviceLogger(config.logLevel, process.stdout.isTTY);
  for (const warning of config.warnings) logger.warn(warning, 'Config');
  endOnFault(logger);
  const stop = stopSignal();
  const toldToStop = once(stop, 'abort').then(() => undefined);
  let postgres: EmbeddedPostgres | undefined;
  let tidings: Tidings | undefined;
  const build = PageBuild.start(pagesOf(config), logger);
  try {
    if (config.embedded)
      postgres = await startEmbeddedPostgres({
        dataDir: config.dataDir,
        log: (line) => logger.log(line, 'PostgreSQL'),
      });
    if (stop.aborted) return;
    // The most of a start: what was refused before does not wait for it.
    const { startTidings } = await import('./app.js');
    // A start may be given up anywhere: migrations are one transaction, and are applied by the next start.
    const starting = startTidings(config, postgres?.url ?? config.databaseUrl!, logger, { build });
    tidings = await Promise.race([starting, toldToStop]);
    if (!tidings) return;
    if (process.stdout.isTTY || !config.production) process.stdout.write(welcome(config, tidings));
    else logger.log(`Up at ${tidings.url}`, 'Tidings');
    // What was compiled is kept for the next start now: a process that is killed keeps nothing at its end.
    flushCompileCache();
    await toldToStop;
  } finally {
    if (stop.aborted) logger.log('Stopping', 'Tidings');
    build?.stop();
    await Promise.race([tidings?.stop(), delay(STOP_TIMEOUT_MS)]);
    await postgres?.stop();
  }
}

/** Aborts at the first stop signal. Later ones are not left to the system: that would leave PostgreSQL behind. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let first: number | undefined;
  const told = (): void => {
    first ??= performance.now();
    if (performance.now() - first > SAME_SIGNAL_MS) process.exit(1);
    stop.abort();
  };
  onStopSignal(told);
  return stop.signal;
}

/** After an error that nobody caught, unhandled rejections among them, nothing can be relied on: said once, and the end. */
function endOnFault(logger: LoggerService): void {
  process.once('uncaughtException', (error: unknown) => {
    logger.fatal?.(error instanceof Error ? (error.stack ?? error.message) : String(error), 'Tidings');
    // Whatever owns a process tells it to end on `exit`.
    process.exit(1);
  });
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exit(1);
  },
);
