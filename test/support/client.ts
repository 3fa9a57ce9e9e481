// `@tidings/client` clients that connect through a TCP proxy with fault injection. Each is closed after its test.
import { createTidings, type Tidings, type TokenStorage } from '@tidings/client';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { type Person, type TestTidings, PASSWORD } from './tidings.js';
import { until } from './wait.js';

/** In-memory replacement for `localStorage`; share one between clients to simulate several tabs. */
export class MemoryStorage implements TokenStorage {
  readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
}

export interface Clients {
  readonly proxy: TcpProxy;
  /** URL of the GraphQL endpoint behind the proxy. */
  readonly url: string;
  /** A client without a session, unless `storage` holds one. */
  open(storage?: TokenStorage): Tidings;
  /** A client signed in with the password of this account. */
  signedIn(person: Person, storage?: TokenStorage): Promise<Tidings>;
}

/** Starts the proxy in front of `tidings` for a test file. Call it at the top level or in a `describe`. */
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

/** Resolves when the session of a client has this status. */
export const sessionIs = (client: Tidings, status: string) =>
  until(() => client.session.get().status === status, `the session was ${status}`);

/** Resolves when a client is connected and has received all events. */
export const isCurrent = (client: Tidings) =>
  until(() => client.connection.get().socket === 'open' && client.connection.get().behind === 0, 'it was live');
