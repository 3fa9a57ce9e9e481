// One snapshot and subscription, shared by all components with the same operations. Stops a second after the last one unmounts.
import { type Document, type Json, textOf, type Variables } from '../document.js';
import { type Live, type LiveEnd, type LiveStatus, type Path, refusedOf } from '../live.js';
import type { TidingsError } from '../errors.js';
import { store } from '../store.js';
import type { Tidings } from '../tidings.js';

export interface LiveView<Data = Json> {
  readonly data: Data | undefined;
  readonly status: LiveStatus;
  /** Paths of the fields that this account may not see. */
  readonly refused: readonly Path[];
  /** Why it ended; undefined while it runs. */
  readonly end: LiveEnd | undefined;
  readonly error: TidingsError | undefined;
  /** Time of the last read of the snapshot, ms since 1970. When it changes, load further pages again too. */
  readonly readAt: number | undefined;
}

export interface LiveOperations {
  readonly snapshot: Document;
  readonly subscription: Document;
  readonly variables: Variables;
}

/** Returns the data after an event. Not used with Apollo. */
export type Reduce = ((data: Json, event: Json) => Json) | undefined;

const STOP_DELAY = 1_000;
export const LOADING: LiveView = {
  data: undefined,
  status: 'loading',
  refused: [],
  end: undefined,
  error: undefined,
  readAt: undefined,
};

export class SharedLive {
  readonly view = store<LiveView>(LOADING);
  /** The last event. */
  readonly events = store<Json>(undefined);
  /** The function passed at the last render. */
  reduce: Reduce;
  #users = 0;
  #live: Live | undefined;
  #unwatch: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly tidings: Tidings,
    readonly operations: LiveOperations,
    /** All shared instances of the client, by key. */
    readonly all: Map<string, SharedLive>,
    readonly key: string,
  ) {
    this.#stopLater();
  }

  /** Registers a user, and returns the function to release it. */
  acquire(): () => void {
    this.#users += 1;
    // A component that was hidden for long (`<Activity>`) still has an instance that was stopped.
    if (!this.all.has(this.key)) this.all.set(this.key, this);
    clearTimeout(this.#timer);
    if (!this.#live || this.view.get().status === 'ended') this.#start();
    return () => {
      this.#users -= 1;
      if (this.#users === 0) this.#stopLater();
    };
  }

  /** Stops unless it is acquired in time: server rendering and abandoned renders run no effects. */
  #stopLater(): void {
    this.#timer = setTimeout(() => this.#stop(), STOP_DELAY);
  }

  #set(change: Partial<LiveView>): void {
    this.view.set({ ...this.view.get(), ...change });
  }

  /** Applies an event with `reduce`. Without `reduce`, or if it throws, reads the snapshot again. */
  #apply(event: Json): void {
    let data: Json;
    try {
      data = this.reduce?.(this.view.get().data, event);
    } finally {
      if (data) this.#set({ data });
      else void this.#live?.readAgain();
    }
  }

  #stop(): void {
    if (this.all.get(this.key) === this) this.all.delete(this.key);
    this.#live?.stop();
    this.#live = undefined;
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  #start(): void {
    const { tidings, operations } = this;
    const { variables } = operations;
    const { cache } = tidings;
    const [snapshot, subscription] = [operations.snapshot, operations.subscription].map(
      (document) => (cache ? cache.prepare(document) : document) as Document,
    ) as [Document, Document];
    let began: unknown;
    /** Whether events arrived since the snapshot was read. Only then can reading it again complete the data. */
    let isOlder = false;
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.view.set(LOADING);
    const show = (data: Json, isComplete: boolean): void => {
      if (isComplete) this.#set({ data });
      else if (isOlder) {
        isOlder = false;
        void this.#live?.readAgain();
      }
    };
    this.#live = tidings.live({
      snapshot,
      subscription,
      variables,
      onRead: () => (began = cache?.began()),
      onSnapshot: (data, { refused }) => {
        isOlder = false;
        if (cache) {
          cache.write(snapshot, variables, data, began);
          this.#unwatch ??= cache.watch(snapshot, variables, show);
        } else this.#set({ data });
        this.#set({ refused, readAt: Date.now() });
      },
      onEvent: (event, result) => {
        isOlder = true;
        this.events.set(event);
        if (cache) cache.fold(subscription, variables, result.data);
        else this.#apply(event);
        const refused = refusedOf(result.errors);
        if (refused.length > 0) this.#set({ refused: union(this.view.get().refused, refused) });
      },
      onAccess({ projectId, role }) {
        if (projectId !== null && role === null) cache?.lose(projectId);
      },
      onStatus: (status) => this.#set({ status }),
      onEnd: (end) => {
        const isGone = end.reason === 'signed-out' || end.reason === 'lost';
        this.#unwatch?.();
        this.#unwatch = undefined;
        this.#set({ end, error: end.error, data: isGone ? undefined : this.view.get().data });
      },
    });
  }
}

function union(paths: readonly Path[], more: readonly Path[]): Path[] {
  return [...new Map([...paths, ...more].map((path) => [JSON.stringify(path), path])).values()];
}

const shared = new WeakMap<Tidings, Map<string, SharedLive>>();

/** The shared instance for these operations and the current account. */
export function sharedLive(tidings: Tidings, operations: LiveOperations): SharedLive {
  let all = shared.get(tidings);
  if (!all) shared.set(tidings, (all = new Map()));
  const state = tidings.session.get();
  const key = (state.status === 'signed-in' ? state.account.id : '') + keyOf(operations);
  let live = all.get(key);
  if (!live || live.view.get().status === 'ended') all.set(key, (live = new SharedLive(tidings, operations, all, key)));
  return live;
}

export const keyOf = ({ snapshot, subscription, variables }: LiveOperations): string =>
  JSON.stringify([textOf(snapshot), textOf(subscription), variables]);
