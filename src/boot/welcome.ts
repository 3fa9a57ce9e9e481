// What a person sees when the service is up.
import type { Config } from '../engine/config/config.js';

const any = new Intl.ListFormat('en-GB', { type: 'disjunction' });

/** What has come up. */
interface Up {
  /** Where it listens. */
  readonly url: string;
  /** E-mail addresses of the demo accounts that can sign in. */
  readonly demo: readonly string[];
}

/** The addresses, and the demo sign-ins if there are any. */
export function welcome({ publicUrl: base }: Config, { url, demo }: Up): string {
  const lines = [
    '',
    `  Tidings is up at ${base}`,
    '',
    `  GraphQL     ${base}/graphql`,
    `  WebSocket   ${base.replace(/^http/, 'ws')}/graphql`,
    `  Health      ${base}/health/ready`,
    ...(new URL(url).port === new URL(base).port ? [] : [`  Listening   ${url}`]),
    ...(demo.length > 0 ? ['', `  Sign in as ${any.format(demo)}`, '  with the password tidings-demo'] : []),
    '',
  ];
  return `${lines.join('\n')}\n`;
}
