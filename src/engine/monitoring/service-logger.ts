// The logger of the service: JSON lines, or coloured text on a terminal. Secrets must never be passed to it.
import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { RepeatedLines } from './repeated-lines.js';

/** Contexts of the framework's startup messages, logged at debug level. */
const ASSEMBLY = new Set([
  'InstanceLoader',
  'RouterExplorer',
  'RoutesResolver',
  'NestFactory',
  'NestApplication',
  'GraphQLModule',
]);

/** Context in which the framework reports a failed start before it throws; `main` reports it instead. */
const TOLD_BY_MAIN = new Set(['ExceptionHandler', 'NestApplication']);

const LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];
const SHOWN = { silent: 0, fatal: 1, error: 2, warn: 3, info: 4, debug: 5, trace: 6 } as const;

class ServiceLogger extends ConsoleLogger {
  private readonly repeated = new RepeatedLines((line) => super.warn(line, 'Log'));

  override log(message: unknown, ...rest: unknown[]): void {
    if (ASSEMBLY.has(String(rest.at(-1)))) super.debug(message, ...rest);
    else super.log(message, ...rest);
  }

  override error(message: unknown, ...rest: unknown[]): void {
    if (TOLD_BY_MAIN.has(String(rest.at(-1)))) super.debug(message, ...rest);
    else if (this.repeated.admits(`error [${String(rest.at(-1))}]`, message)) super.error(message, ...rest);
  }

  override warn(message: unknown, ...rest: unknown[]): void {
    if (this.repeated.admits(`warn [${String(rest.at(-1))}]`, message)) super.warn(message, ...rest);
  }
}

/** A logger for `level` and more severe ones. */
export function serviceLogger(level: keyof typeof SHOWN, terminal: boolean): ConsoleLogger {
  return new ServiceLogger({ json: !terminal, colors: terminal, logLevels: LEVELS.slice(0, SHOWN[level]) });
}
