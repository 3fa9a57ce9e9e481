// Pages that need no build: where things are, and that a page is not there yet. No script, no file besides.
import { createHash } from 'node:crypto';

const STYLE =
  ':root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem}code{background:#8882;padding:.1em .3em}';

/** The content security policy of these pages. */
export const PLAIN_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

function plainPage(title: string, body: string, head = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
${head}<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** What stands at `/` where there is no dashboard. `base` is an origin. */
export function landingPage(base: string, introspection: boolean): string {
  return plainPage(
    'Tidings',
    `<h1>Tidings is up</h1>
<p>This is a GraphQL service for live project updates. Point a client at it:</p>
<ul>
<li>GraphQL over HTTP: <code>${base}/graphql</code></li>
<li>Subscriptions: <code>${base.replace(/^http/, 'ws')}/graphql</code>, protocol <code>graphql-transport-ws</code>,
with <code>{"authorization": "Bearer …"}</code> as payload of <code>connection_init</code></li>
<li><a href="/health/ready">Health</a>, <a href="/metrics">metrics</a>, <a href="/.well-known/jwks.json">public keys</a></li>
</ul>
<p>${introspection ? 'The schema can be introspected. ' : ''}The README of the project shows the first five minutes.</p>`,
  );
}

/** At an unknown address. */
export function noSuchPage(): string {
  return plainPage(
    'Tidings: there is no such page',
    `<h1>There is no such page</h1>
<p>The address is wrong, or what it led to is gone. <a href="/">Go to the start page</a>.</p>`,
  );
}

/** Instead of a page that is being built, or could not be. Loads itself again after `seconds`. */
export function absentPage(state: 'building' | 'failed' | 'absent', seconds: number): string {
  const texts = {
    building: ['This page is being built', '<p>It opens by itself in a few seconds. The service already answers.</p>'],
    failed: [
      'This page could not be built',
      '<p>The log of the service says why, and so does <code>npm run build -w web</code>. The service itself answers.</p>',
    ],
    absent: ['This page is not built', '<p>Build it with <code>npm run build -w web</code>. The service answers.</p>'],
  } as const;
  const [title, body] = texts[state];
  const head = `<meta http-equiv="refresh" content="${seconds}">\n`;
  return plainPage(`Tidings: ${title.toLowerCase()}`, `<h1>${title}</h1>\n${body}`, head);
}
