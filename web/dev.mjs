// Dev server with hot reload for both pages: `npm run dev -w web`. One origin, as in production: all other requests are proxied to the
// service at TIDINGS_URL.
import { createServer } from 'vite';

const inWeb = (path) => `${import.meta.dirname}/${path}`;
const target = process.env.TIDINGS_URL ?? 'http://localhost:4000';
const port = Number(process.env.PORT ?? 5173);

/** Whether a request is a GET of the playground or its files. A GET with a query, POST and WebSockets go to the service. */
const forPlayground = ({ method, url, headers }) => {
  const { pathname, searchParams } = new URL(url, 'http://page');
  if (method !== 'GET' && method !== 'HEAD') return false;
  if (pathname.startsWith('/graphql/')) return true;
  return pathname === '/graphql' && !searchParams.has('query') && (headers.accept ?? '').includes('text/html');
};

/** Replaces the origin of these pages with that of the service, which only accepts credentials from it. Other origins stay as they are. */
const withOwnOrigin = (onward, { headers }) => {
  if (headers.origin === `http://${headers.host}`) onward.setHeader('origin', new URL(target).origin);
};

const toService = {
  target,
  ws: true,
  configure: (proxy) => proxy.on('proxyReq', withOwnOrigin).on('proxyReqWs', withOwnOrigin),
};

/** @type {import('vite').Plugin} */
const playgroundBelow = {
  name: 'playground',
  async configureServer(server) {
    const playground = await createServer({
      configFile: inWeb('playground/vite.config.ts'),
      server: { middlewareMode: true, hmr: { server: server.httpServer } },
    });
    server.httpServer.once('close', () => void playground.close());
    server.middlewares.use((request, response, next) => {
      if (!forPlayground(request)) return next();
      if (new URL(request.url, 'http://page').pathname === '/graphql') request.url = '/graphql/';
      return playground.middlewares(request, response, next);
    });
  },
};

const server = await createServer({
  configFile: inWeb('dashboard/vite.config.ts'),
  plugins: [playgroundBelow],
  server: {
    port,
    strictPort: true,
    proxy: { '^/(?:graphql|health|metrics|demo\\.json|\\.well-known)(?:[/?]|$)': toService },
  },
});
await server.listen();
server.printUrls();
process.stdout.write(`  The service: ${target}\n`);
