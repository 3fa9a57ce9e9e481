// Clients of `@tidings/client` in tests: closed with the file, and a network between them and the service that can fail.
import { createTidings, type Tidings, type TokenStorage } from '@tidings/client';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { type Person, type TestTidings, PASSWORD } from './tidings.js';
import { until } from './wait.js';

/** A page's storage, or that of several pages. */
export class MemoryStorage implements TokenStorage {
  readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
}

export interface Clients {
  readonly proxy: TcpProxy;
  /** Where clients find the service: through the proxy. */
  readonly url: string;
  /** A client that nobody has signed in with. */
  open(storage?: TokenStorage): Tidings;
  /** A client of this account, signed in by its password. */
  signedIn(person: Person, storage?: TokenStorage): Promise<Tidings>;
}

/** Clients of `tidings`, in each test file. */
export function useClients(tidings: { readonly current: TestTidings }): Clients {
  const opened: Tidings[] = [];
  let proxy: TcpProxy;
  beforeAll(async () => {
    proxy = await startTcpProxy(Number(new URL(tidings.current.url).port));
  });
  afterEach(() => {
    proxy.open();
    for (const client of opened.splice(0)) client.close();
  });
  afterAll(() => proxy.stop());
  const clients: Clients = {
    get proxy() {
      return proxy;
    },
    get url() {
      return `http://127.0.0.1:${proxy.port}/graphql`;
    },
    open(storage) {
      const client = createTidings({ url: clients.url, transport: 'body', ...(storage ? { storage } : {}) });
      opened.push(client);
      return client;
    },
    async signedIn({ email }, storage) {
      const client = clients.open(storage);
      await client.signIn({ email, password: PASSWORD });
      return client;
    },
  };
  return clients;
}

/** Resolves when the session of a client is in this state. */
export const sessionIs = (client: Tidings, status: string) =>
  until(() => client.session.get().status === status, `the session was ${status}`);

/** Resolves when a client is connected and nothing is missing. */
export const isCurrent = (client: Tidings) =>
  until(() => client.connection.get().socket === 'open' && client.connection.get().behind === 0, 'it was live');
