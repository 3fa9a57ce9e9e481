// Hooks for React 19.
import {
  createContext,
  createElement,
  Fragment,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from 'react';
import type { Connection } from '../connection.js';
import type { SessionState } from '../credentials.js';
import type { Document, Json, Variables } from '../document.js';
import type { Readable } from '../store.js';
import type { Tidings } from '../tidings.js';
import { keyOf, type LiveView, sharedLive } from './shared-live.js';

export type { LiveView } from './shared-live.js';

const Context = createContext<Tidings | undefined>(undefined);

/** Everything below is made anew when another account signs in, or this one signs out: nothing of it stays on the screen. */
export function TidingsProvider({
  tidings,
  children,
}: {
  readonly tidings: Tidings;
  readonly children?: ReactNode;
}): ReactNode {
  const state = useReadable(tidings.session);
  const key = state.status === 'signed-in' ? state.account.id : '';
  return createElement(Context.Provider, { value: tidings }, createElement(Fragment, { key }, children));
}

export function useTidings(): Tidings {
  const tidings = useContext(Context);
  if (!tidings) throw new Error('useLive, useSession and useConnection belong below <TidingsProvider tidings={…}>.');
  return tidings;
}

export interface UseLiveOptions<Data, Vars> {
  readonly variables?: Vars;
  /** Without Apollo: the data after an event. */
  readonly reduce?: (data: Data, event: Json) => Data;
}

/** A snapshot that stays as it is at the service. With `createApollo` its data are in the cache, else `reduce` makes them. */
export function useLive<Data = Json, Event = Json, Vars extends Variables = Variables>(
  snapshot: Document<Data, Vars>,
  subscription: Document<Event, never>,
  { variables, reduce }: UseLiveOptions<Data, Vars> = {},
): LiveView<Data> {
  const tidings = useTidings();
  const question = { snapshot, subscription, variables: variables ?? {}, reduce } as never;
  const key = keyOf(question);
  // The key says everything that counts.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const live = useMemo(() => sharedLive(tidings, question), [tidings, key]);
  useEffect(() => live.acquire(), [live]);
  return useReadable(live.view) as LiveView<Data>;
}

export const useSession = (): SessionState => useReadable(useTidings().session);
export const useConnection = (): Connection => useReadable(useTidings().connection);

function useReadable<T>({ subscribe, get }: Readable<T>): T {
  return useSyncExternalStore(subscribe, get, get);
}
