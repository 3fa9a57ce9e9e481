// What all components show that ask for the same: one snapshot, one subscription, until a second after the last of them has gone.
import { type Document, type Json, textOf, type Variables } from '../document.js';
import { type Live, type LiveEnd, type LiveStatus, type Path, refusedOf } from '../live.js';
import { store } from '../store.js';
import type { Tidings } from '../tidings.js';

export interface LiveView<Data = Json> {
  readonly data: Data | undefined;
  readonly status: LiveStatus;
  /** Paths of what this account may not see. */
  readonly refused: readonly Path[];
  /** Why it has ended. */
  readonly end: LiveEnd | undefined;
  readonly error: Error | undefined;
}

export interface LiveQuestion {
  readonly snapshot: Document;
  readonly subscription: Document;
  readonly variables: Variables;
  /** Without Apollo: the data after an event. */
  readonly reduce?: ((data: Json, event: Json) => Json) | undefined;
}

const LINGER = 1_000;
const LOADING: LiveView = { data: undefined, status: 'loading', refused: [], end: undefined, error: undefined };

export class SharedLive {
  readonly view = store<LiveView>(LOADING);
  #users = 0;
  #live: Live | undefined;
  #unwatch: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly tidings: Tidings,
    readonly question: LiveQuestion,
    /** Where others find it. */
    readonly all: Map<string, SharedLive>,
    readonly key: string,
  ) {}

  /** Returns how to let it go. */
  acquire(): () => void {
    this.#users += 1;
    // A component that was hidden for long comes back with one that had stopped.
    if (!this.all.has(this.key)) this.all.set(this.key, this);
    clearTimeout(this.#timer);
    if (!this.#live || this.view.get().status === 'ended') this.#start();
    return () => {
      this.#users -= 1;
      if (this.#users === 0) this.#timer = setTimeout(() => this.#stop(), LINGER);
    };
  }

  #set(change: Partial<LiveView>): void {
    this.view.set({ ...this.view.get(), ...change });
  }

  #stop(): void {
    if (this.all.get(this.key) === this) this.all.delete(this.key);
    this.#live?.stop();
    this.#live = undefined;
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  #start(): void {
    const { tidings, question } = this;
    const { variables, reduce } = question;
    const { cache } = tidings;
    const [snapshot, subscription] = [question.snapshot, question.subscription].map(
      (document) => (cache ? cache.prepare(document) : document) as Document,
    ) as [Document, Document];
    let began: unknown;
    /** Whether anything has changed since the snapshot was read: then reading it again may help. */
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
          this.#set({ refused });
        } else this.#set({ data, refused });
      },
      onEvent: (event, result) => {
        isOlder = true;
        if (cache) cache.fold(subscription, result.data);
        else if (reduce) this.#set({ data: reduce(this.view.get().data, event) });
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

/** The one for this question. */
export function sharedLive(tidings: Tidings, question: LiveQuestion): SharedLive {
  let all = shared.get(tidings);
  if (!all) shared.set(tidings, (all = new Map()));
  const key = keyOf(question);
  let live = all.get(key);
  if (!live) all.set(key, (live = new SharedLive(tidings, question, all, key)));
  return live;
}

export const keyOf = ({ snapshot, subscription, variables }: LiveQuestion): string =>
  JSON.stringify([textOf(snapshot), textOf(subscription), variables]);
