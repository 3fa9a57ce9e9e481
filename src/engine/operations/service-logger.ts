// The log of the service: JSON, one object a line, or coloured text on a terminal. Secrets never come here.
import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { RepeatedLines } from './repeated-lines.js';

/** What the framework tells of its own assembly: worth a line only to those who debug it. */
const ASSEMBLY = new Set([
  'InstanceLoader',
  'RouterExplorer',
  'RoutesResolver',
  'NestFactory',
  'NestApplication',
  'GraphQLModule',
]);

/** Where it reports a failed start, stack and all, before it throws the same to us: `main` tells it, once and in words. */
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

/** A logger that shows `level` and what is worse. */
export function serviceLogger(level: keyof typeof SHOWN, terminal: boolean): ConsoleLogger {
  return new ServiceLogger({ json: !terminal, colors: terminal, logLevels: LEVELS.slice(0, SHOWN[level]) });
}
