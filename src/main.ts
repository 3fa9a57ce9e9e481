// The command line's `start`: reads the configuration, starts what it needs, serves until it is told to stop.
import { startTidings, type Tidings } from './app.js';
import { resolveSecrets } from './engine/config/app-secret.js';
import { ConfigError } from './engine/config/config-error.js';
import { loadConfig, readEnvironment, withBoundPort } from './engine/config/config.js';
import { type EmbeddedPostgres, EmbeddedPostgresError, startEmbeddedPostgres } from './engine/database/embedded-postgres.js';
import { serviceLogger } from './engine/operations/service-logger.js';
import { freePort } from './free-port.js';
import { printWelcome } from './welcome.js';

async function main(): Promise<void> {
  const given = loadConfig(readEnvironment());
  const config = await resolveSecrets(withBoundPort(given, given.port || (await freePort(given.host))));
  const logger = serviceLogger(config.logLevel, process.stdout.isTTY);
  for (const warning of config.warnings) logger.warn(warning, 'Config');
  let postgres: EmbeddedPostgres | undefined;
  let tidings: Tidings | undefined;
  const stopped = Promise.withResolvers<void>();
  const stop = (): void => stopped.resolve();
  process.once('SIGTERM', stop).once('SIGINT', stop);
  try {
    if (config.embedded) postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, log: (line) => logger.log(line, 'PostgreSQL') });
    tidings = await startTidings(config, postgres?.url ?? config.databaseUrl!, logger);
    if (process.stdout.isTTY || !config.production) printWelcome(config);
    await stopped.promise;
    logger.log('Stopping', 'Tidings');
  } finally {
    await tidings?.stop();
    await postgres?.stop();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const deliberate = error instanceof ConfigError || error instanceof EmbeddedPostgresError;
    process.stderr.write(`${deliberate ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
