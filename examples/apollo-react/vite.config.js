import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const target = process.env.TIDINGS_URL ?? 'http://localhost:4000';

/** This page and the service are one origin to the browser, so that it needs no ALLOWED_ORIGINS. Other sites stay strangers. */
function withOwnOrigin(onward, { headers }) {
  if (headers.origin === `http://${headers.host}`) onward.setHeader('origin', target);
}

const configure = (proxy) => proxy.on('proxyReq', withOwnOrigin).on('proxyReqWs', withOwnOrigin);

export default defineConfig({
  plugins: [react()],
  server: { proxy: { '/graphql': { target, ws: true, configure } } },
});
