// The parts, put together.
import type { Connection } from './connection.js';
import type { SessionState, TokenStorage } from './credentials.js';
import { type AnyDocument, type Document, type Json, printWith, type Variables } from './document.js';
import type { EventsOptions } from './events.js';
import { openFeeds } from './feeds.js';
import { goLive, type Live, type LiveOptions } from './live.js';
import type { Payload, Result } from './post.js';
import { Refresh } from './refresh.js';
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
  /** Signed out at once, in all tabs; the service is told within 5 s, or in the background until it knows. */
  signOut(): Promise<void>;
  /** Signs in with the payload of `register` or `changePassword`, with `user` and everything else of `AuthPayload` but `session`. */
  adopt(payload: Json): Promise<void>;
  /** The data; throws `OperationFailed` with all errors if there is one. */
  request<Data = Json, Vars extends Variables = Variables>(
    document: Document<Data, Vars>,
    variables?: Vars,
    options?: RequestOptions,
  ): Promise<Data>;
  /** The answer as it is, data and errors. */
  execute(document: AnyDocument, variables?: Variables, options?: RequestOptions): Promise<Result>;
  /** A snapshot, and every event after it. */
  live<Data = Json, Event = Json, Vars extends Variables = Variables>(options: LiveOptions<Data, Event, Vars>): Live;
  /** Events, for programs. Keep the `cursor` of what you have processed. */
  events(options?: EventsOptions): AsyncGenerator<Json, void, void>;
  /** A subscription, and how to stop it. With `$after` and `cursor` it goes on where it was. */
  readonly subscribe: (payload: Payload, sink: Sink) => () => void;
  /** For clients that have a way to print documents. */
  readonly printWith: typeof printWith;
  /** Ends everything; tokens stay where they are. */
  close(): void;
  /** Of `createApollo`: where `useLive` keeps its data. */
  cache: LiveCache | undefined;
}

export function createTidings(options: TidingsOptions): Tidings {
  const session = new Session({ ...options, url: absolute(options.url) });
  const refresh = new Refresh(session);
  const requests = makeRequests(session, refresh);
  const socket = openSocket(session, refresh);
  const feeds = openFeeds(socket, session, refresh);
  const parts = { requests, feeds, watchAccess: accessChanges(feeds, session) };
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
    // Pages hardly ever need it.
    async *events(own) {
      const { events } = await import('./events.js');
      yield* events(requests, feeds, own);
    },
    subscribe: feeds.subscribe,
    printWith,
    close() {
      socket.close();
      session.tabs?.close();
      session.end();
    },
    cache: undefined,
  };
}

/** Pages may say where the service is by a path. */
const absolute = (url: string): string => (typeof location === 'undefined' ? url : new URL(url, location.href).href);
