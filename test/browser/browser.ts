// A real Chromium, and what stands between it and the service: the sites whose pages it opens, and a proxy before the service.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  request,
  type RequestListener,
  type RequestOptions,
  type Server,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type Browser, chromium } from 'playwright-core';

/** Names that are this machine to the browser, under which sites and their subdomains can be told apart. */
const NAMES = ['*.tidings.example', '*.evil.example'].map((name) => `MAP ${name} 127.0.0.1`).join(', ');
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--ignore-certificate-errors',
];

/** Time in which an element must appear: a busy machine takes a while to compile a page's code. */
const ACTION_TIMEOUT_MS = 90_000;

/** Chromium without a window, with a profile of its own that is gone with it. `names`: what it finds where. */
export async function launchBrowser(names = NAMES): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  const args = [...FLAGS, `--host-resolver-rules=${names}`];
  // Playwright switches off the cache of pages that were left, which browsers have.
  const browser = await chromium.launch({ executablePath, args, ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  return browser.on('context', (context) => context.setDefaultTimeout(ACTION_TIMEOUT_MS));
}

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A certificate that nobody has signed. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  try {
    const place = ['-keyout', key, '-out', cert, '-subj', '/CN=tidings.example'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...place], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A server on loopback, over TLS if there is a certificate. */
export class Site {
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  static async listen(tls: Certificate | undefined, answer: RequestListener): Promise<Site> {
    const site = new Site(tls ? createSecureServer(tls, answer) : createServer(answer));
    site.server.listen(0, '127.0.0.1');
    await once(site.server, 'listening');
    return site;
  }

  /** Serves the page of these tests under every path. */
  static pages(tls?: Certificate): Promise<Site> {
    return Site.listen(tls, ({ url = '' }, response) => {
      const [file, type] = FILES[url] ?? FILES['/']!;
      response.setHeader('content-type', type).end(readFileSync(file));
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  onUpgrade(accept: (incoming: IncomingMessage, socket: Socket, head: Buffer) => void): void {
    this.server.on('upgrade', accept);
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['test/browser/page.html', 'text/html'],
  '/page.js': ['test/browser/page.js', 'text/javascript'],
  '/graphql-ws.js': ['node_modules/graphql-ws/umd/graphql-ws.js', 'text/javascript'],
};

/** What came to the service's endpoint, as the browser sent it. */
export interface Seen {
  readonly what: string;
  readonly origin: string | undefined;
  readonly cookie: string | undefined;
}

export interface Front {
  readonly site: Site;
  /** Requests and upgrades, in their order. */
  readonly seen: Seen[];
  /** Keeps back the reply to the next request with a body that contains `text`. */
  holdReply(text: string): HeldReply;
}

/** A reply of the service that has not reached the browser. */
export interface HeldReply {
  /** Resolves when the service has answered. */
  readonly answered: Promise<void>;
  release(): void;
}

/** The proxy before the service: it ends TLS, says on whose behalf it asks, and remembers what came. */
export async function startFront(servicePort: number, client: string, tls?: Certificate): Promise<Front> {
  const seen: Seen[] = [];
  const passedOn = ({ method, url = '', headers }: IncomingMessage) => {
    const what = headers.upgrade ? 'WS' : `${method}`;
    if (url === '/graphql') seen.push({ what, origin: headers.origin, cookie: headers.cookie });
    return { port: servicePort, method, path: url, headers: { ...headers, 'x-forwarded-for': client } };
  };
  const held: { readonly text: string; answered(): void; readonly released: Promise<void> }[] = [];
  const site = await Site.listen(tls, (incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    const onward = request(passedOn(incoming), (response) => {
      const at = held.findIndex(({ text }) => body.includes(text));
      const [hold] = at < 0 ? [] : held.splice(at, 1);
      const pass = () => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      };
      hold?.answered();
      if (hold) void hold.released.then(pass);
      else pass();
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  const holdReply = (text: string): HeldReply => {
    const [answered, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    held.push({ text, answered: answered.resolve, released: released.promise });
    return { answered: answered.promise, release: released.resolve };
  };
  site.onUpgrade((incoming, socket) => passUpgrade(passedOn(incoming), socket));
  return { site, seen, holdReply };
}

/** Passes an upgrade on to this machine; when one end goes, the other one does. */
export function passUpgrade({ port, method, path, headers }: RequestOptions, socket: Duplex): void {
  const service = connect(Number(port), '127.0.0.1');
  const lines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  service.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  for (const [one, other] of [
    [socket, service],
    [service, socket],
  ] as const) {
    one.on('error', () => other.destroy()).on('close', () => other.destroy());
    one.pipe(other);
  }
}

/** The stage of a test file: one service and browser, a profile for each test. */
export function useStage<T extends { begin(): Promise<void>; end(): Promise<void>; stop(): Promise<void> }>(
  start: () => Promise<T>,
): { readonly current: T } {
  let stage: T | undefined;
  beforeAll(async () => {
    stage = await start();
  });
  beforeEach(() => stage!.begin());
  afterEach(() => stage!.end());
  afterAll(() => stage?.stop());
  return {
    get current() {
      return stage!;
    },
  };
}
