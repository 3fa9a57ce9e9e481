// The command line of the live demo.
import { parseArgs } from 'node:util';
import { formatDuration, parseDuration } from '../engine/config/durations.js';
import { MIN_PAUSE_MS } from './live-schedule.js';

export interface LiveOptions {
  /** Origin of the server, without a trailing slash. */
  readonly url: string;
  /** Mean ms between two acts. */
  readonly every: number;
  /** Acts until it stops by itself. */
  readonly count: number;
}

export const USAGE = `Keeps a running Tidings lively: posts updates and comments as the three demo accounts.

  npm run demo:live -- [options]

  --url <url>      where Tidings runs (default http://localhost:4000)
  --every <time>   mean time between two acts, such as 2s or 750ms (default 4s, at least ${formatDuration(MIN_PAUSE_MS)})
  --count <n>      stop after so many acts (default: go on until Ctrl-C)
  --help           print this
`;

/** What was typed cannot be taken; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The options of `args`, or 'help'. Throws {@link UsageError}. */
export function readOptions(args: readonly string[]): LiveOptions | 'help' {
  const given = parse(args);
  if (given.help) return 'help';
  const url = URL.parse(given.url);
  if (!url || !/^https?:$/.test(url.protocol)) throw new UsageError('--url must be http:// or https:// and a host');
  const every = parseDuration(given.every);
  if (every === undefined || every < MIN_PAUSE_MS || every > 3_600_000)
    throw new UsageError(`--every must be a time from ${formatDuration(MIN_PAUSE_MS)} to 1h, such as 2s`);
  if (given.count !== undefined && !/^[1-9]\d{0,8}$/.test(given.count))
    throw new UsageError('--count must be a whole number, 1 or more');
  return { url: url.origin, every, count: given.count === undefined ? Number.POSITIVE_INFINITY : Number(given.count) };
}

function parse(args: readonly string[]) {
  const options = {
    url: { type: 'string', default: 'http://localhost:4000' },
    every: { type: 'string', default: '4s' },
    count: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
