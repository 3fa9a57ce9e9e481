// A page in a browser: an origin, the header that pages of ours send, and the cookies that a browser would keep and send.
import { parseSetCookie, type SetCookie } from 'cookie';
import { GraphqlClient, type Reply } from './graphql-client.js';
import { PASSWORD } from './tidings.js';

export const CSRF = { 'x-tidings-csrf': '1' };

export interface PageReply extends Reply {
  /** As the reply sets them, in its order. */
  readonly set: readonly SetCookie[];
  readonly code: string | undefined;
}

export class Page {
  /** Names and values, as the browser keeps them. */
  readonly jar = new Map<string, string>();
  private readonly client: GraphqlClient;

  constructor(
    readonly url: string,
    readonly origin = url,
  ) {
    this.client = new GraphqlClient(url);
  }

  /** The `Cookie` header. */
  get cookie(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** As a request of this page has them. */
  get headers(): Record<string, string> {
    return { origin: this.origin, ...CSRF, ...(this.jar.size > 0 ? { cookie: this.cookie } : {}) };
  }

  /** Sends an operation as this page; `headers` go before its own, an empty one is left out. */
  async send(
    query: string,
    variables?: Record<string, unknown>,
    headers: Record<string, string> = {},
  ): Promise<PageReply> {
    const all = Object.entries({ ...this.headers, ...headers }).filter(([, value]) => value !== '');
    const reply = await this.client.send(query, variables, Object.fromEntries(all));
    const set = reply.headers.getSetCookie().map((line) => parseSetCookie(line));
    for (const { name, value, maxAge } of set) {
      if (maxAge === 0) this.jar.delete(name);
      else this.jar.set(name, value ?? '');
    }
    return { ...reply, set, code: reply.errors?.[0]?.extensions.code };
  }

  /** Signs in with cookies; returns the session's id. */
  async login(email: string): Promise<string> {
    const mutation = 'mutation ($input: LoginInput!) { login(input: $input) { session { id } } }';
    const input = { email, password: PASSWORD, transport: 'COOKIE' };
    const { data, errors } = await this.send(mutation, { input });
    if (errors) throw new Error(`The sign-in failed: ${JSON.stringify(errors)}`);
    return data.login.session.id;
  }
}
