// Rules between variables, and the checks of production. Single values are validated by their types in the schema.
import { isExposed } from './loopback.js';
import type { Problem } from './config-error.js';
import type { Settings, VariableName } from './config.schema.js';

/** The variables that could be read. */
export type Readable = Partial<Settings>;

type Check = readonly [VariableName, boolean | undefined, string];

const exceeds = (a: number | undefined, b: number | undefined) => a !== undefined && b !== undefined && a > b;

function production(s: Readable): readonly Check[] {
  const weakness = s.APP_SECRET?.map((secret) => secret.weakness).find(Boolean);
  return [
    ['DATABASE_URL', !s.DATABASE_URL, 'is required in production: the embedded database is for one developer'],
    ['APP_SECRET', !s.APP_SECRET, 'is required in production; make one with: openssl rand -base64 32'],
    ['APP_SECRET', !!weakness, `${weakness}: refused in production; make one with: openssl rand -base64 32`],
    ['PUBLIC_URL', !!s.PUBLIC_URL && isExposed(s.PUBLIC_URL), 'must be https in production'],
    ['RATE_LIMITS', s.RATE_LIMITS === false, 'must not be off in production'],
  ];
}

function always(s: Readable): readonly Check[] {
  return [
    [
      'SESSION_IDLE_TTL',
      exceeds(s.SESSION_IDLE_TTL, s.SESSION_MAX_AGE),
      'must not be longer than SESSION_MAX_AGE (set both)',
    ],
    [
      'REFRESH_REUSE_WINDOW',
      s.SESSION_IDLE_TTL !== undefined && !exceeds(s.SESSION_IDLE_TTL, s.REFRESH_REUSE_WINDOW),
      'must be shorter than SESSION_IDLE_TTL (set both)',
    ],
    [
      'EVENT_RETENTION',
      exceeds(s.ACCESS_TOKEN_TTL, s.EVENT_RETENTION),
      'must not be shorter than ACCESS_TOKEN_TTL: revocations are read from the log',
    ],
  ];
}

/** The problems between variables. May name a variable that is already refused; the caller drops those. */
export function crossProblems(s: Readable): readonly Problem[] {
  return [...always(s), ...(s.NODE_ENV === 'production' ? production(s) : [])].flatMap(([variable, broken, reason]) =>
    broken ? [{ variable, reason }] : [],
  );
}

/** Warnings about settings that are probably unintended. `s` has no problems. */
export function crossWarnings(s: Settings, publicUrl: string): readonly string[] {
  const live = s.NODE_ENV === 'production';
  const weakness = s.APP_SECRET?.map((secret) => secret.weakness).find(Boolean);
  const warnings: readonly (readonly [boolean, string])[] = [
    [live && !s.PUBLIC_URL, 'PUBLIC_URL is not set: links in mails point to localhost, and only localhost can sign in'],
    [live && !s.SMTP_URL, 'SMTP_URL is not set: no password resets and no notices are sent'],
    [
      live && !!s.ALLOWED_ORIGINS?.some(isExposed),
      'ALLOWED_ORIGINS has an http origin: anyone on the network path can act in it',
    ],
    [
      !live && isExposed(publicUrl),
      'PUBLIC_URL is http and not this machine: browsers will not keep the session cookies',
    ],
    [s.ALLOWED_ORIGINS?.includes(publicUrl) === false, 'ALLOWED_ORIGINS lacks PUBLIC_URL: pages there cannot sign in'],
    [
      s.ACCESS_TOKEN_TTL > s.SESSION_IDLE_TTL,
      'ACCESS_TOKEN_TTL is longer than SESSION_IDLE_TTL: sessions end before their tokens',
    ],
    [!live && !!weakness, `APP_SECRET ${weakness}: production refuses it`],
  ];
  return warnings.flatMap(([applies, warning]) => (applies ? [warning] : []));
}
