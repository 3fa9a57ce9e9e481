// What must never stand in a log, looked for in every line that the service writes while any test runs.

/** Each with a name, since what was found is not to be repeated. */
const FORBIDDEN: readonly (readonly [string, RegExp])[] = [
  ['a JWT', /eyJ[\w-]{10,}\.[\w-]+/],
  ['a refresh token', /tr1\.[0-9a-f]{8}-/i],
  // Tokens of mails are that long, and so is the MAC of a refresh token.
  ['a token of 32 bytes', /(?<![\w./+-])[A-Za-z0-9_-]{43}(?![\w/+=-])/],
  ['a password hash', /\$argon2/],
  ['a password', /password of the tests/i],
  ['an e-mail address', /[\w.+-]+@example\.(?:com|org|net)/i],
];
/** Whom the welcome of an installation with demo accounts names on purpose. */
const DEMO_ACCOUNTS = /\b(?:admin|editor|user)@example\.com/g;

const found: string[] = [];

/** Remembers what of all that, or of the secrets in `env`, `text` has. */
export function scan(text: string, env: Readonly<Record<string, string | undefined>> = {}): void {
  const line = text.replace(DEMO_ACCOUNTS, '');
  for (const [name, pattern] of FORBIDDEN) if (pattern.test(line)) found.push(`${name} in: ${line}`);
  for (const [name, secret] of secretsIn(env)) if (line.includes(secret)) found.push(`${name} in: ${line}`);
}

/** Fails if anything was found since the last call. */
export function assertNothingFound(): void {
  const leaks = found.splice(0);
  if (leaks.length > 0) throw new Error(`A log has what must not be in it:\n${leaks.join('\n')}`);
}

function secretsIn(env: Readonly<Record<string, string | undefined>>): [string, string][] {
  const appSecrets = (env['APP_SECRET'] ?? '')
    .split(',')
    .map((secret): [string, string] => ['APP_SECRET', secret.trim()]);
  const passwords = ['DATABASE_URL', 'REDIS_URL', 'SMTP_URL'].map((name): [string, string] => [
    `the password of ${name}`,
    URL.parse(env[name] ?? '')?.password ?? '',
  ]);
  return [...appSecrets, ...passwords].filter(([, secret]) => secret.length >= 8);
}
