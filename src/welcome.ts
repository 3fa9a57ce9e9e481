// What a person sees when the service is up.
import type { Config } from './engine/config/config.js';

/** Prints the addresses, and the demo sign-ins if there are any. */
export function printWelcome(config: Config): void {
  const base = config.publicUrl;
  const lines = [
    '',
    `  Tidings is up at ${base}`,
    '',
    `  GraphQL     ${base}/graphql`,
    `  WebSocket   ${base.replace(/^http/, 'ws')}/graphql`,
    `  Health      ${base}/health/ready`,
    ...(config.demo
      ? ['', '  Sign in as admin@example.com, editor@example.com or user@example.com', '  with the password tidings-demo']
      : []),
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
