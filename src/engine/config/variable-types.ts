// zod types for values of variables. Their messages never contain the value.
import { isIP } from 'node:net';
import { z } from 'zod';
import { readDatabaseUrl } from './database-url.js';
import { parseDuration } from './durations.js';
import { readRedisUrl } from './redis-url.js';
import { type AppSecret, readSecret } from './secret-encoding.js';

/** A type whose `read` converts the text, or refuses it: `return refuse('must be …')`. */
function text<T>(read: (text: string, refuse: (reason: string) => never) => T) {
  return z.string().transform((given, context): T =>
    read(given, (message) => {
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }),
  );
}

/** Trims the value, and treats an empty one as unset. */
export function variable<T extends z.ZodType>(type: T) {
  return z.preprocess((given) => (typeof given === 'string' ? given.trim() || undefined : given), type);
}

export function oneOf<const T extends string>(...choices: readonly T[]) {
  return text<T>(
    (given, refuse) =>
      choices.find((choice) => choice === given) ?? refuse(`must be one of: ${choices.join(', ')} (in lower case)`),
  );
}

/** `yes` is true, `no` is false, other values are refused. */
export function flag(yes: string, no: string) {
  return oneOf(yes, no).transform((given) => given === yes);
}

/** A decimal whole number; `what` names it in the message. */
export function wholeNumber({ min, max, what = 'whole' }: { min: number; max: number; what?: string }) {
  return text((given, refuse) =>
    /^\d{1,9}$/.test(given) && Number(given) >= min && Number(given) <= max
      ? Number(given)
      : refuse(`must be a ${what} number, ${min} to ${max}`),
  );
}

export const port = wholeNumber({ min: 0, max: 65_535, what: 'port' });

export const host = text((given, refuse) =>
  isIP(given) > 0 || (/^(?!-)[a-z0-9.-]{1,253}$/i.test(given) && !/^[\d.]+$/.test(given))
    ? given
    : refuse('must be an IP address (IPv6 without brackets) or a host name, without a port'),
);

export const path = text((given) => given);

/** Milliseconds, between `min` and `max` as operators write them; `seconds`: no fractions of one. */
export function duration({ min, max, seconds = false }: { min: string; max: string; seconds?: boolean }) {
  const [least = 0, most = 0] = [parseDuration(min), parseDuration(max)];
  return text((given, refuse) => {
    const ms = parseDuration(given);
    if (ms === undefined) return refuse('must be a duration: a whole number and ms, s, m, h or d, as in 15m');
    if (ms < least || ms > most) return refuse(`must be from ${min} to ${max}`);
    return seconds && ms % 1_000 > 0 ? refuse('must be whole seconds') : ms;
  });
}

function decodes(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/** A connection URL of one of `schemes`, kept as it was written. */
export function connectionUrl(schemes: readonly string[], { needsHost = true } = {}) {
  return text((given, refuse) => {
    const url = URL.parse(given);
    if (!url || !schemes.includes(url.protocol.slice(0, -1)))
      return refuse(`must be a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`);
    // An unescaped / ? or # ends the host early: the client would connect to the user's name, and logs would show the rest.
    if (url.hash || `${url.pathname}${url.search}`.includes('@') || !decodes(url.username) || !decodes(url.password))
      return refuse('must have / ? # @ and % in its user name and password percent-encoded');
    return needsHost && !url.hostname ? refuse('must name a host') : given;
  });
}

/** The URL of a PostgreSQL database, kept as it was written: see `readDatabaseUrl`. */
export const databaseUrl = connectionUrl(['postgresql', 'postgres'], { needsHost: false }).pipe(
  text((given, refuse) => {
    const read = readDatabaseUrl(given);
    return typeof read === 'string' ? refuse(read) : given;
  }),
);

/** The URL of a Redis, kept as it was written: see `readRedisUrl`. */
export const redisUrl = connectionUrl(['redis', 'rediss']).pipe(
  text((given, refuse) => {
    const read = readRedisUrl(given);
    return typeof read === 'string' ? refuse(read) : given;
  }),
);

/** Host names as browsers write them: international ones as `xn--…`, IPv6 in brackets. */
const HOST_OF_ORIGIN = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/;
/** Pages of apps: `capacitor://localhost`, `tauri://localhost`, `ionic://localhost`. */
const APP_ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._-]+(:[1-9]\d{0,4})?$/;
/** Schemes that no page has, or whose pages share an origin. */
const NO_PAGE = new Set(['ws:', 'wss:', 'file:', 'ftp:', 'data:', 'blob:', 'about:', 'javascript:', 'mailto:']);

const NOT_AS_BROWSERS_WRITE =
  'must be scheme and host only, as a browser writes them: lower case, no wildcard, no default port, no path, no trailing slash';

function originProblem(given: string): string | undefined {
  const url = URL.parse(given);
  if (!url || !/^https?:$/.test(url.protocol)) return 'must be http:// or https:// and a host';
  if (url.port === '0') return 'must have a port that can be reached, not 0';
  return url.origin === given && HOST_OF_ORIGIN.test(url.hostname) ? undefined : NOT_AS_BROWSERS_WRITE;
}

/** The same, including pages of apps. */
function pageProblem(given: string): string | undefined {
  const url = URL.parse(given);
  if (!url || !given.includes('://') || NO_PAGE.has(url.protocol) || /^https?:$/.test(url.protocol))
    return originProblem(given);
  return APP_ORIGIN.test(given) ? undefined : NOT_AS_BROWSERS_WRITE;
}

/** Exactly the `Origin` that browsers send. */
export const origin = text((given, refuse) => {
  const problem = originProblem(given);
  return problem ? refuse(problem) : given;
});

const list = (given: string) => given.split(',').flatMap((entry) => entry.trim() || []);

export const origins = text((given, refuse) => {
  const entries = list(given);
  const problem = entries.map(pageProblem).find(Boolean);
  if (entries.length === 0) return refuse('has no entry');
  return problem ? refuse(`has an entry that ${problem}`) : [...new Set(entries)];
});

/** Networks in CIDR notation; a single address means `/32` or `/128`. */
export const networks = text((given, refuse) => {
  const result = list(given).map((entry) => {
    const [address = '', prefix, ...rest] = entry.split('/');
    const bits = isIP(address) === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    const valid = isIP(address) > 0 && !address.includes('%') && rest.length === 0 && length >= 0 && length <= bits;
    return valid ? { cidr: `${address}/${length}`, length } : undefined;
  });
  if (result.length === 0) return refuse('has no entry');
  if (result.some((entry) => entry?.length === 0)) return refuse('must not believe every address (/0)');
  const cidrs = result.flatMap((entry) => entry?.cidr ?? []);
  return cidrs.length === result.length ? cidrs : refuse('must be networks as in 10.0.0.0/8,fd00::/8');
});

/** `current,previous`. */
export const appSecrets = text((given, refuse): readonly AppSecret[] => {
  const entries = list(given).map(readSecret);
  const read = entries.filter((entry) => typeof entry !== 'string');
  const reason = entries.find((entry) => typeof entry === 'string');
  if (entries.length === 0) return refuse('has no entry');
  if (reason) return refuse(entries.length > 1 ? `has an entry that ${reason}` : reason);
  const distinct = new Set(read.map(({ key }) => key.toString('hex')));
  return distinct.size === read.length ? read : refuse('lists the same secret twice');
});
