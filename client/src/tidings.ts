// Assembles the client.
import type { Connection } from './connection.js';
import type { SessionState, TokenStorage } from './credentials.js';
import { type AnyDocument, type Document, type Json, printWith, type Variables } from './document.js';
import type { EventsOptions } from './events.js';
import { openFeeds } from './feeds.js';
import { goLive, type Live, type LiveOptions } from './live.js';
import type { Payload, Result } from './post.js';
import { openRefresh } from './refresh.js';
import { type RequestOptions, requests as makeRequests } from './request.js';
import { Session } from './session.js';
import { adopt, signIn, type SignInInput } from './sign-in.js';
import { signOut } from './sign-out.js';
import { openSocket, type Sink } from './socket.js';
import type { Readable } from './store.js';
import { accessChanges } from './access.js';
import type { LiveCache } from './live-cache.js';

export type TidingsOptions = { readonly url: string } & (
  | { readonly transport: 'cookie' }
  | { readonly transport: 'body'; readonly storage?: TokenStorage }
  | { readonly transport: 'token'; readonly token: string }
);

export interface Tidings {
  readonly session: Readable<SessionState>;
  readonly connection: Readable<Connection>;
  /** Throws `InvalidCredentials`, `RateLimited` or `Unavailable`; never hangs. */
  signIn(input: SignInInput): Promise<void>;
  /** Signs out at once, in all tabs. Waits up to 5 s for the service, then retries in the background. */
  signOut(): Promise<void>;
  /** Signs in with the payload of `register` or `changePassword`. It must have all fields of `AuthPayload` except `session`. */
  adopt(payload: Json): Promise<void>;
  /** Returns the data. Any error in the answer throws the class for its code. */
  request<Data = Json, Vars extends Variables = Variables>(
    document: Document<Data, Vars>,
    variables?: Vars,
    options?: RequestOptions,
  ): Promise<Data>;
  /** Returns the answer with data and errors. Throws `Unavailable` or `SignedOut`. */
  execute(document: AnyDocument, variables?: Variables, options?: RequestOptions): Promise<Result>;
  /** Reads a snapshot and receives every event after it. */
  live<Data = Json, Event = Json, Vars extends Variables = Variables>(options: LiveOptions<Data, Event, Vars>): Live;
  /** Events as an async iterator, for programs. Store the `cursor` of the last processed event to resume later. */
  events(options?: EventsOptions): AsyncGenerator<Json, void, void>;
  /** Runs a subscription. Returns the function to stop it. With `$after` and `cursor` it resumes after reconnections. */
  readonly subscribe: (payload: Payload, sink: Sink) => () => void;
  /** Sets the function that prints `DocumentNode`s. */
  readonly printWith: typeof printWith;
  /** Restores the session again after a `login` or `logout` outside this client changed the cookies. */
  restore(): Promise<void>;
  /** Current time of the service, ms since 1970, independent of an incorrect local clock. */
  now(): number;
  /** Stops everything. Stored tokens are kept. */
  close(): void;
  /** Cache that `useLive` uses. Set by `createApollo`. */
  cache: LiveCache | undefined;
}

export function createTidings(options: TidingsOptions): Tidings {
  if (typeof WebSocket === 'undefined') throw new Error('@tidings/client needs WebSocket: Node 22 or later.');
  const session = new Session({ ...options, url: absolute(options.url) });
  const refresh = openRefresh(session);
  const requests = makeRequests(session, refresh);
  const socket = openSocket(session, refresh);
  const feeds = openFeeds(socket, session);
  const parts = { requests, feeds, session, watchAccess: accessChanges(feeds) };
  void refresh.restore();
  return {
    session: session.state,
    connection: socket.connection,
    signIn: (input) => signIn(session, input),
    signOut: () => signOut(session),
    adopt: (payload) => adopt(session, payload),
    request: requests.request as Tidings['request'],
    execute: requests.execute,
    live: (own) => goLive(parts, own as unknown as LiveOptions),
    // Loaded on demand: pages rarely need it.
    async *events(own) {
      const { events } = await import('./events.js');
      yield* events(requests, feeds, own);
    },
    subscribe: feeds.subscribe,
    printWith,
    restore: refresh.readSession,
    now: () => session.clock.now(),
    close() {
      session.isClosed = true;
      socket.close();
      session.tabs.close();
      session.end();
      session.abortRefresh();
    },
    cache: undefined,
  };
}

/** Resolves a path against the address of the page. */
const absolute = (url: string): string => (typeof location === 'undefined' ? url : new URL(url, location.href).href);
