// What a browser sees at `/` and at `/graphql`: where things are. No script, no style sheet from elsewhere.
import { Controller, Get, Header, Inject } from '@nestjs/common';
import type { Config } from '../engine/config/config.js';
import { CONFIG } from '../engine/config/config.module.js';

@Controller()
export class LandingController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
  page(): string {
    const base = this.config.publicUrl;
    return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tidings</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem}code{background:#8882;padding:.1em .3em}</style>
<h1>Tidings is up</h1>
<p>This is a GraphQL service for live project updates. Point a client at it:</p>
<ul>
<li>GraphQL over HTTP: <code>${base}/graphql</code></li>
<li>Subscriptions: <code>${base.replace(/^http/, 'ws')}/graphql</code>, protocol <code>graphql-transport-ws</code>,
with <code>{"authorization": "Bearer …"}</code> as payload of <code>connection_init</code></li>
<li><a href="/health/ready">Health</a>, <a href="/metrics">metrics</a>, <a href="/.well-known/jwks.json">public keys</a></li>
</ul>
<p>The schema can be introspected. The README of the project shows the first five minutes.</p>
</html>`;
  }
}
