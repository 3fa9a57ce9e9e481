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
import { type Connection, UNCONNECTED } from '../connection.js';
import type { SessionState } from '../credentials.js';
import type { Document, Json, Variables } from '../document.js';
import type { Readable } from '../store.js';
import type { Tidings } from '../tidings.js';
import { keyOf, type LiveView, LOADING, sharedLive } from './shared-live.js';

export type { LiveView } from './shared-live.js';

const RESTORING: SessionState = { status: 'restoring' };
const Context = createContext<Tidings | undefined>(undefined);

/** Remounts its children when the account signs out or another one signs in, so that no data of it stays on the screen. */
export function TidingsProvider({
  tidings,
  children,
}: {
  readonly tidings: Tidings;
  readonly children?: ReactNode;
}): ReactNode {
  const state = useReadable(tidings.session, RESTORING);
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
  /** Returns the data after an event. Not used with Apollo. Components with the same operations share data: pass the same function. */
  readonly reduce?: (data: Data, event: Json) => Data;
  /** Called once per event, in order, before `data` includes it. A snapshot read again may include it already. */
  readonly onEvent?: (event: Json) => void;
}

/**
 * A snapshot that is kept up to date by events. With `createApollo` the data is in Apollo's cache. Without it `reduce` applies each event;
 * without `reduce` the snapshot is read again.
 */
export function useLive<Data = Json, Event = Json, Vars extends Variables = Variables>(
  snapshot: Document<Data, Vars>,
  subscription: Document<Event, never>,
  { variables, reduce, onEvent }: UseLiveOptions<Data, Vars> = {},
): LiveView<Data> {
  const tidings = useTidings();
  const operations = { snapshot, subscription, variables: variables ?? {} } as never;
  const key = keyOf(operations);
  // The key covers all dependencies.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const live = useMemo(() => sharedLive(tidings, operations), [tidings, key]);
  useEffect(() => void (live.reduce = reduce), [live, reduce]);
  useEffect(() => onEvent && live.events.subscribe(onEvent), [live, onEvent]);
  useEffect(() => live.acquire(), [live]);
  return useReadable(live.view, LOADING) as LiveView<Data>;
}

export const useSession = (): SessionState => useReadable(useTidings().session, RESTORING);
export const useConnection = (): Connection => useReadable(useTidings().connection, UNCONNECTED);

/** `first`: the value during server rendering and hydration. */
function useReadable<T>({ subscribe, get }: Readable<T>, first: T): T {
  return useSyncExternalStore(subscribe, get, () => first);
}
