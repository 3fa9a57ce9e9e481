// What the service serves to browsers: documents and assets of builds, and responses when they are missing. Uses small
// builds.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request, type RequestOptions } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { DASHBOARD_ROUTES } from '../src/pages/routes.js';
import { useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const web = mkdtempSync(join(tmpdir(), 'tidings-web-'));
afterAll(() => rmSync(web, { recursive: true, force: true }));

const SCRIPT = `document.title = 'wall'; ${'// '.padEnd(4_000, 'x')}\n`;
const FILES: Readonly<Record<string, string | Buffer>> = {
  'dist/dashboard/index.html': '<!doctype html><title>The dashboard</title>',
  'dist/dashboard/.stamp': 'secret of the build',
  'dist/dashboard/assets/index-B1.js': SCRIPT,
  'dist/dashboard/assets/index-B1.js.br': brotliCompressSync(SCRIPT),
  'dist/dashboard/assets/index-B1.js.gz': gzipSync(SCRIPT),
  'dist/dashboard/assets/face-B1.woff2': 'a face',
  'dist/playground/index.html': '<!doctype html><title>The playground</title>',
  'dist/playground/assets/worker-C1.js': 'onmessage = () => {};',
  'dist/previous/dashboard/index.html': '<!doctype html><title>Yesterday</title>',
  'dist/previous/dashboard/assets/index-A1.js': 'document.title = "yesterday";',
  'dist/previous/dashboard/assets/index-B1.js': 'what is newer wins',
};
for (const [name, content] of Object.entries(FILES)) {
  mkdirSync(dirname(join(web, name)), { recursive: true });
  writeFileSync(join(web, name), content);
}

const tidings = useTidings(() => ({ web }));

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Sends the target as it is written: no client may tidy it. */
async function get(path: string, options: RequestOptions = {}, url = tidings.current.url): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, path, agent: false, ...options }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode!, headers: response.headers, body: await buffer(response) };
}

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const open = (path: string, url?: string) => get(path, { headers: BROWSER }, url);
/** The title of the page at unknown addresses. */
const NO_PAGE = 'Tidings: there is no such page';
const titleOf = ({ body }: Answer) => /<title>(.*)<\/title>/.exec(String(body))?.[1];
const policyOf = ({ headers }: Answer) =>
  new Map(
    String(headers['content-security-policy'])
      .split('; ')
      .map((directive) => {
        const [name, ...values] = directive.split(' ');
        return [name, values.join(' ')];
      }),
  );

describe('the dashboard', () => {
  it('is served at each of its addresses with Cache-Control: no-cache', async () => {
    for (const route of ['/', '/projects/COMET', '/register', '/forgot-password', '/reset', '/reset?mail=1']) {
      const answer = await open(route);
      expect([route, answer.status, titleOf(answer)]).toEqual([route, 200, 'The dashboard']);
      expect(answer.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' });
    }
  });

  it('has the routes of its router', () => {
    const paths = readFileSync('web/dashboard/src/router.tsx', 'utf8').matchAll(/\bpath: '([^']{1,100})'/g);
    const known = [...paths].map(([, path = '']) => path.replaceAll('$', ':'));
    expect(known.toSorted()).toEqual(DASHBOARD_ROUTES.toSorted());
  });

  it('answers 304 to a browser that has it', async () => {
    const { headers } = await open('/');
    const again = await get('/', { headers: { 'if-none-match': headers.etag } });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    expect((await get('/', { headers: { 'if-none-match': 'W/"another"' } })).status).toBe(200);
  });

  it('answers HEAD as GET without the body', async () => {
    for (const path of ['/', '/register', '/assets/index-B1.js']) {
      const [whole, head] = [await get(path), await get(path, { method: 'HEAD' })];
      expect([head.status, head.body.length]).toEqual([200, 0]);
      const { date: _, ...headers } = head.headers;
      expect(whole.headers).toMatchObject(headers);
    }
  });

  it.each([
    '/nothing',
    '/register/now',
    '/projects',
    '/projects/',
    '/projects/a/b',
    '/projects/a%2fb/c',
    '/Register',
    '/index.html',
    '/favicon.ico',
    '/register%00',
    '/register%2f..',
    '/%72egister%',
    '//evil.example/register',
    '//register',
    '/register//',
    '/health',
    `/${'a'.repeat(10_000)}`,
  ])('is not served at %.40s', async (path) => {
    const answer = await open(path);
    expect([answer.status, titleOf(answer)]).toEqual([404, NO_PAGE]);
    expect(answer.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    expect(policyOf(answer).get('style-src')).toMatch(/^'sha256-[^']+'$/);
    expect(answer.headers.vary?.toLowerCase()).toContain('accept');
    const json = await get(path, { headers: { accept: '*/*' } });
    expect([json.status, json.headers['content-type']]).toEqual([404, 'application/json; charset=utf-8']);
    expect(JSON.parse(String(json.body))).toMatchObject({ statusCode: 404, error: 'Not Found' });
  });

  it.each(['/projects/%', '/projects/%E0%A4%A'])('answers 400 to an undecodable address: %s', async (path) => {
    const answer = await open(path);
    expect([answer.status, titleOf(answer)]).toEqual([400, NO_PAGE]);
    const json = await get(path);
    expect([json.status, json.headers['content-type']]).toEqual([400, 'application/json; charset=utf-8']);
    expect(tidings.current.logged).toEqual([]);
  });

  it('answers 405 to other methods', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      for (const path of ['/', '/register', '/assets/index-B1.js']) {
        expect([method, path, (await get(path, { method })).status]).toEqual([method, path, 404]);
      }
    }
  });
});

describe('a file of a build', () => {
  it('is cached for a year', async () => {
    const answer = await get('/assets/index-B1.js');
    expect([answer.status, String(answer.body)]).toEqual([200, SCRIPT]);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    const again = await get('/assets/index-B1.js', { headers: { 'if-none-match': answer.headers.etag } });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, br;q=0', 'gzip'],
    ['gzip', 'gzip'],
    ['*', 'br'],
    ['deflate', undefined],
    ['identity', undefined],
    ['br;q=0, gzip;q=0', undefined],
    ['', undefined],
  ])('is compressed as the browser accepts it: %j gets %s', async (accepted, coding) => {
    const { headers, body } = await get('/assets/index-B1.js', { headers: { 'accept-encoding': accepted } });
    expect([headers['content-encoding'], headers['content-type']]).toEqual([coding, 'text/javascript; charset=utf-8']);
    expect(headers.vary?.toLowerCase()).toContain('accept-encoding');
    const decode = { br: brotliDecompressSync, gzip: gunzipSync }[coding ?? ''] ?? ((bytes: Buffer) => bytes);
    expect(String(decode(body))).toBe(SCRIPT);
  });

  it('of the previous build stays available', async () => {
    expect(String((await get('/assets/index-A1.js')).body)).toContain('yesterday');
    expect(titleOf(await open('/'))).toBe('The dashboard');
  });

  it('with compressed variants has the type of its content', async () => {
    const { headers } = await get('/assets/face-B1.woff2', { headers: { 'accept-encoding': 'br' } });
    expect([headers['content-type'], headers['content-encoding']]).toEqual(['font/woff2', undefined]);
  });

  it.each([
    '/assets/index-Z9.js',
    '/assets/',
    '/assets',
    '/assets/index-B1.js/',
    '/assets/index-B1.js%00',
    '/assets/%00',
    '/assets/%',
    '/assets//index-B1.js',
    '//assets/index-B1.js',
    '/assets/index-B1.js.br',
    '/assets/../.stamp',
    '/assets/..%2f.stamp',
    '/assets/%2e%2e/.stamp',
    '/assets/..%5c.stamp',
    '/assets/../../../../../../../../etc/passwd',
    '/assets/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd',
    '/assets/__proto__',
    '/.stamp',
    `/assets/${'../'.repeat(3_000)}etc/passwd`,
    '/graphql/assets/index-B1.js',
    '/graphql/assets/nothing.js',
    '/graphql/assets/../index.html',
    '/graphql/index.html',
  ])('that is missing is 404 without a page: %.60s', async (path) => {
    const answer = await get(path, { headers: { accept: '*/*' } });
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'application/json; charset=utf-8']);
    const opened = await open(path);
    expect([opened.status, titleOf(opened)]).toEqual([404, NO_PAGE]);
    for (const { headers, body } of [answer, opened]) {
      expect(headers['cache-control'] ?? 'no-store').toBe('no-store');
      expect(String(body)).not.toMatch(/secret of the build|root:/);
    }
  });

  it('with an address of 15 KB is 404, longer ones are refused', async () => {
    expect((await open(`/assets/${'a'.repeat(15_000)}`)).status).toBe(404);
    expect((await open(`/assets/${'a'.repeat(20_000)}`)).status).toBe(431);
  });

  it('deleted after the look-up is 404', async () => {
    const [file, aside] = [join(web, 'dist/dashboard/assets/face-B1.woff2'), join(web, 'aside')];
    renameSync(file, aside);
    try {
      const { status, headers } = await get('/assets/face-B1.woff2');
      expect([status, headers['content-type'], headers['cache-control']]).toEqual([
        404,
        'application/json; charset=utf-8',
        'no-store',
      ]);
    } finally {
      renameSync(aside, file);
    }
    expect((await get('/assets/face-B1.woff2')).status).toBe(200);
  });
});

describe('the playground', () => {
  it('is served to browsers at any spelling of the endpoint', async () => {
    for (const path of ['/graphql', '/graphql/', '/graphql?tab=1']) {
      const answer = await open(path);
      expect([path, answer.status, titleOf(answer)]).toEqual([path, 200, 'The playground']);
      expect(answer.headers.vary?.toLowerCase()).toContain('accept');
    }
    expect((await get('/graphql', { headers: BROWSER, method: 'HEAD' })).status).toBe(200);
    expect(String((await get('/graphql/assets/worker-C1.js')).body)).toContain('onmessage');
  });

  it('is not served to GraphQL clients', async () => {
    const query = '/graphql?query=%7B__typename%7D';
    const csrf = { 'x-tidings-csrf': '1' };
    expect(String((await get(query, { headers: csrf })).body)).toContain('"__typename":"Query"');
    expect((await get(query, { headers: { ...BROWSER, ...csrf } })).headers['content-type']).toContain('json');
    for (const accept of ['application/json', '*/*', 'application/graphql-response+json']) {
      const answer = await get('/graphql', { headers: { accept } });
      expect([accept, answer.headers['content-type']]).toEqual([accept, expect.stringContaining('json')]);
    }
    expect(await tidings.current.anonymous.data('{ __typename }')).toEqual({ __typename: 'Query' });
  });
});

describe('security headers', () => {
  it('forbid sniffing, framing and foreign referrers in every reply', async () => {
    const answers = [
      await open('/'),
      await open('/graphql'),
      await open('/nothing'),
      await get('/assets/index-B1.js'),
      await get('/health/live'),
      await get('/metrics'),
      await get('/graphql', { method: 'POST' }),
      await get('/graphql', { method: 'OPTIONS', headers: { origin: tidings.current.config.publicUrl } }),
    ];
    for (const answer of answers) {
      expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin' });
      expect(policyOf(answer).get('frame-ancestors')).toBe("'none'");
      expect(policyOf(answer).get('default-src')).toBe("'none'");
      expect(answer.headers).not.toHaveProperty('strict-transport-security');
      expect(answer.headers).not.toHaveProperty('x-powered-by');
    }
  });

  it('isolate pages from other windows and keep the API open to allowed origins', async () => {
    const apart = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin' };
    for (const path of ['/', '/graphql', '/nothing', '/assets/index-B1.js', '/graphql/assets/worker-C1.js']) {
      expect([path, (await open(path)).headers]).toEqual([path, expect.objectContaining(apart)]);
    }
    for (const answer of [
      await get('/graphql', { method: 'POST' }),
      await get('/health/live'),
      await get('/nothing'),
    ]) {
      for (const name of Object.keys(apart)) expect(answer.headers).not.toHaveProperty(name);
    }
  });

  it('allow scripts of this origin only, none from text', async () => {
    for (const path of ['/', '/graphql', '/assets/index-B1.js', '/graphql/assets/worker-C1.js']) {
      const policy = policyOf(await open(path));
      expect([path, policy.get('script-src'), policy.get('connect-src')]).toEqual([path, "'self'", "'self'"]);
      expect([path, policy.get('base-uri'), policy.get('form-action')]).toEqual([path, "'none'", "'none'"]);
    }
    const dashboard = policyOf(await open('/'));
    expect(dashboard.get('style-src')).not.toContain('unsafe');
    expect([dashboard.get('require-trusted-types-for'), dashboard.get('trusted-types')]).toEqual([
      "'script'",
      "'none'",
    ]);
  });
});

describe('with both pages off', () => {
  const off = useTidings(() => ({ web, env: { DASHBOARD: 'off', PLAYGROUND: 'off' } }));

  it('the endpoint is served at / without pages', async () => {
    const landing = await open('/', off.current.url);
    expect([landing.status, String(landing.body)]).toEqual([200, expect.stringContaining('Tidings is up')]);
    expect(String(landing.body)).not.toContain('introspected');
    expect(policyOf(landing).get('style-src')).toMatch(/^'sha256-[^']+'$/);
    for (const path of ['/register', '/reset', '/assets/index-B1.js', '/graphql/assets/worker-C1.js']) {
      expect([path, (await open(path, off.current.url)).status]).toEqual([path, 404]);
    }
  });

  it('a browser at the endpoint is redirected there', async () => {
    const { status, headers } = await open('/graphql', off.current.url);
    expect([status, headers.location]).toEqual([303, '/']);
  });
});

describe('in production', () => {
  const live = useTidings(() => ({
    web,
    env: {
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://tidings.example',
      RATE_LIMITS: 'on',
      APP_SECRET: randomBytes(32).toString('base64'),
    },
  }));

  it('the dashboard is served and the playground is not', async () => {
    expect(titleOf(await open('/', live.current.url))).toBe('The dashboard');
    expect((await open('/graphql', live.current.url)).status).toBe(303);
    const { errors } = await live.current.anonymous.send('{ __schema { queryType { name } } }');
    expect(errors).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
  });

  const hsts = async (headers: Record<string, string>) =>
    (await get('/', { headers }, live.current.url)).headers['strict-transport-security'];

  it('HSTS is sent over HTTPS only', async () => {
    expect(await hsts({})).toBe('max-age=31536000');
    expect(await hsts({ 'x-forwarded-proto': 'https' })).toBe('max-age=31536000');
    expect(await hsts({ 'x-forwarded-proto': 'http' })).toBeUndefined();
  });

  it('a file is served to many clients of one network at once', async () => {
    const all = await Promise.all(Array.from({ length: 120 }, () => get('/assets/index-B1.js', {}, live.current.url)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('refusals of the gate have the security headers', async () => {
    let refused: Answer | undefined;
    await until(async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => get('/metrics', {}, live.current.url)));
      refused = answers.find(({ status }) => status === 429);
      return refused !== undefined;
    }, 'the network is refused');
    expect(refused!.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'strict-transport-security': 'max-age=31536000',
    });
    expect(policyOf(refused!).get('frame-ancestors')).toBe("'none'");
  });
});
