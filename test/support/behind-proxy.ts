// A node whose connections to PostgreSQL go through a network that can fail, and one beside it that has none of that.
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { TestTidings, useTidings } from './tidings.js';

export interface BehindProxy {
  readonly tidings: { readonly current: TestTidings };
  readonly proxy: TcpProxy;
  /** Over the same database. */
  readonly elsewhere: TestTidings;
}

export function useBehindProxy(): BehindProxy {
  let proxy: TcpProxy;
  let elsewhere: TestTidings;
  // First of all: what nobody gives up is waited for when the service stops.
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
