// An instance that connects to PostgreSQL through a fault-injecting TCP proxy, and a second instance without it.
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { TestTidings, useTidings } from './tidings.js';

export interface BehindProxy {
  readonly tidings: { readonly current: TestTidings };
  readonly proxy: TcpProxy;
  /** The second instance: connected directly to the same database. */
  readonly elsewhere: TestTidings;
}

export function useBehindProxy(): BehindProxy {
  let proxy: TcpProxy;
  let elsewhere: TestTidings;
  // Registered before the hook that stops the service: shutdown waits for queries that would otherwise stay blocked.
  afterAll(() => proxy.cut());
  const tidings = useTidings(async () => {
    elsewhere = await TestTidings.start();
    const url = new URL(elsewhere.database.url);
    proxy = await startTcpProxy(Number(url.port), url.hostname);
    url.port = String(proxy.port);
    return { database: { ...elsewhere.database, url: url.toString() } };
  });
  afterAll(async () => {
    await proxy.stop();
    await elsewhere.stop();
  });
  return {
    tidings,
    get proxy() {
      return proxy;
    },
    get elsewhere() {
      return elsewhere;
    },
  };
}
