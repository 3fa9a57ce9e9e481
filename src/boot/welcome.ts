// What a person sees when the service is up.
import type { Config } from '../engine/config/config.js';

/** The addresses, and the demo sign-ins if there are any. `url` is where it listens. */
export function welcome(config: Config, url: string): string {
  const base = config.publicUrl;
  const lines = [
    '',
    `  Tidings is up at ${base}`,
    '',
    `  GraphQL     ${base}/graphql`,
    `  WebSocket   ${base.replace(/^http/, 'ws')}/graphql`,
    `  Health      ${base}/health/ready`,
    ...(new URL(url).port === new URL(base).port ? [] : [`  Listening   ${url}`]),
    ...(config.demo
      ? [
          '',
          '  Sign in as admin@example.com, editor@example.com or user@example.com',
          '  with the password tidings-demo',
        ]
      : []),
    '',
  ];
  return `${lines.join('\n')}\n`;
}
