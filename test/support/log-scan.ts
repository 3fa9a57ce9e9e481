// Searches every line that the service logs during any test for secrets and personal data.

/** Patterns with names. The error message gives the name of the pattern. */
const FORBIDDEN: readonly (readonly [string, RegExp])[] = [
  ['a JWT', /eyJ[\w-]{10,}\.[\w-]+/],
  ['a refresh token', /tr1\.[0-9a-f]{8}-/i],
  // Tokens in mails and the MAC of a refresh token are 32 bytes, base64url.
  ['a token of 32 bytes', /(?<![\w./+-])[A-Za-z0-9_-]{43}(?![\w/+=-])/],
  ['a password hash', /\$argon2/],
  ['a password', /password of the tests/i],
  ['an e-mail address', /[\w.+-]+@example\.(?:com|org|net)/i],
];
/** Accounts that the welcome message of a demo installation names on purpose. */
const DEMO_ACCOUNTS = /\b(?:admin|editor|user)@example\.com/g;

const found: string[] = [];

/** Records all forbidden patterns and secrets of `env` found in `text`. */
export function scan(text: string, env: Readonly<Record<string, string | undefined>> = {}): void {
  const line = text.replace(DEMO_ACCOUNTS, '');
  for (const [name, pattern] of FORBIDDEN) if (pattern.test(line)) found.push(`${name} in: ${line}`);
  for (const [name, secret] of secretsIn(env)) if (line.includes(secret)) found.push(`${name} in: ${line}`);
}

/** Fails if `scan` has found anything since the last call. */
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
