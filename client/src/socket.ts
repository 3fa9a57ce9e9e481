// One WebSocket of graphql-transport-ws for everything that is subscribed to. It comes back until nobody is signed in, or nothing runs.
import { advice, type Connection, type Range, UNCONNECTED, within } from './connection.js';
import type { Json } from './document.js';
import { type GraphqlError, SignedOut } from './errors.js';
import { heartbeat } from './heartbeat.js';
import type { Payload, Result } from './post.js';
import type { Refresh } from './refresh.js';
import { jitter, onWake, pause, safely } from './safely.js';
import type { Session } from './session.js';
import { type Readable, store } from './store.js';

/** Who is told what comes. */
export interface Sink {
  next(result: Result): void;
  error(error: readonly GraphqlError[] | Error): void;
  complete(): void;
  /** Everything up to `cursor` has been seen. */
  upTo?(cursor: string): void;
}

export interface Socket {
  readonly connection: Readable<Connection>;
  /** Whether something that was missed could not be had by its cursor. */
  hadGap: boolean;
  /** Asks for a subscription, now and after each lost connection, until the returned function is called or it ends. */
  run(payload: () => Payload, sink: Sink): () => void;
  /** Connects anew: the socket carries a token that is not good for operations any more. */
  restart(): void;
  close(): void;
}

interface Running {
  /** What to ask for now: after a lost connection it is asked again. */
  readonly payload: () => Payload;
  readonly sink: Sink;
}

const CONNECT_TIMEOUT = 10_000;
const IDLE = 3_000;
/** ms until it is asked again whether everything has been sent. */
const ASK_AGAIN = 250;
/** Of ours: the other end was silent for too long. Coming back at once runs nobody over. */
const SILENT = 4_999;

type Timer = ReturnType<typeof setTimeout> | undefined;

export function openSocket(session: Session, refresh: Refresh): Socket {
  const connection = store<Connection>(UNCONNECTED);
  const running = new Map<string, Running>();
  /** What was asked for over this socket, and after how many pings. */
  const sent = new Map<string, number>();
  let pings = 0;
  let ws: WebSocket | undefined;
  /** Each attempt has one: what comes of an earlier one is not heard. */
  let generation = 0;
  let isOpen = false;
  let ids = 0;
  let failures = 0;
  let advised: Range | undefined;
  let hasReconnected = false;
  let startedAt = 0;
  /** For a connection that is being made, or one that nobody uses. */
  let timer: Timer;
  let soon: Timer;
  /** Ends the wait for the next attempt. */
  let hurry: AbortController | undefined;
  const ping = (): void => {
    send({ type: 'ping', payload: { n: (pings += 1) } });
    if (session.due(20_000)) void refresh.renew(session.version);
  };
  const beat = heartbeat(ping, () => void lost(SILENT, 'No answer'));
  let { life, status } = session;
  const stops = [
    onWake(wake),
    session.state.subscribe(() => {
      if (life === session.life) return;
      // What was asked for while it was not known who is signed in goes on.
      if (status !== 'restoring' || !session.signedIn) endAll();
      ({ life, status } = session);
    }),
  ];

  const socket: Socket = {
    connection,
    hadGap: false,
    run(payload, sink) {
      const id = `${(ids += 1)}`;
      running.set(id, { payload, sink });
      // React mounts twice in development: what is taken back at once was never sent.
      queueMicrotask(() => {
        if (isOpen) subscribe(id);
        else if (running.has(id) && connection.get().socket === 'closed' && !hurry) void connect();
      });
      return () => {
        if (!running.delete(id)) return;
        if (sent.delete(id)) send({ id, type: 'complete' });
        leaveIfIdle();
      };
    },
    restart: () => void (isOpen && lost(SILENT, 'Renewing')),
    close() {
      for (const stop of stops) stop();
      endAll();
    },
  };
  return socket;

  function set(change: Partial<Connection>): void {
    connection.set({ ...connection.get(), ...change });
  }

  function send(message: unknown): void {
    if (ws?.readyState === 1) ws.send(JSON.stringify(message));
  }

  function subscribe(id: string): void {
    const payload = running.get(id)?.payload();
    if (!payload || sent.has(id)) return;
    sent.set(id, pings);
    send({ id, type: 'subscribe', payload });
  }

  async function connect(): Promise<void> {
    const own = (generation += 1);
    startedAt = Date.now();
    set({ socket: 'connecting', since: startedAt });
    await refresh.ready();
    if (own !== generation) return;
    if (session.status === 'signed-out') return endAll();
    timer = setTimeout(() => void lost(SILENT, 'No connection'), CONNECT_TIMEOUT);
    const { authorization, 'x-tidings-csrf': _, ...account } = session.headers();
    ws = new WebSocket(session.options.url.replace(/^http/, 'ws'), 'graphql-transport-ws');
    ws.onopen = () =>
      send({ type: 'connection_init', payload: { ...account, ...(authorization && { authorization }) } });
    ws.onmessage = ({ data }) => receive(JSON.parse(data as string));
    ws.onclose = ({ code, reason }) => void lost(code, reason);
    ws.onerror = () => void lost(1006, '');
  }

  function drop(reason: string): void {
    generation += 1;
    clearTimeout(timer);
    clearTimeout(soon);
    beat.stop();
    isOpen = false;
    sent.clear();
    const old = ws;
    ws = undefined;
    if (old) {
      old.onopen = old.onmessage = old.onclose = null;
      // Errors without a listener end a process of Node. Its close may take half a minute to be heard.
      old.onerror = () => {};
      old.close(1000);
    }
    set({ socket: 'closed', since: Date.now(), reason, behind: undefined });
  }

  function leave(reason: string): void {
    drop(reason);
    hurry?.abort();
    hurry = undefined;
  }

  function leaveIfIdle(): void {
    if (running.size > 0) return;
    clearTimeout(timer);
    if (isOpen) timer = setTimeout(() => running.size === 0 && leave('Idle'), IDLE);
    else leave('Idle');
  }

  function endAll(): void {
    const ended = [...running.values()];
    running.clear();
    leave('Signed out');
    for (const { sink } of ended) safely(() => sink.error(new SignedOut()));
  }

  /** The connection has ended, or could not be made. */
  async function lost(code: number, reason: string): Promise<void> {
    drop(reason || `Closed with ${code}`);
    const own = generation;
    socket.hadGap = false;
    hasReconnected = true;
    if (running.size === 0) return;
    const { signal } = (hurry = new AbortController());
    if (code === 4401 && reason === 'OTHER_ACCOUNT') refresh.lookAgain();
    else if (code === 4401) await refresh.renew(session.version);
    else if (code === 4403 && !/too old/.test(reason)) session.expire();
    const range = advice(reason) ?? (code === 1012 || code === 1013 ? advised : undefined);
    await pause(range ? within(range) : jitter(code === SILENT || code === 4403 ? 0 : failures), signal);
    failures += 1;
    if (own !== generation) return;
    hurry = undefined;
    if (running.size > 0) await connect();
  }

  /** The page is back: what was there before has probably gone. */
  function wake(): void {
    if (isOpen) beat.wake();
    else if (hurry) hurry.abort();
    else if (ws && Date.now() - startedAt > 2_000) void lost(SILENT, 'No connection');
  }

  function receive({ type, id, payload }: Json): void {
    beat.heard();
    if (type === 'connection_ack') return acknowledged(payload ?? {});
    if (type === 'ping') return send({ type: 'pong', payload });
    if (type === 'pong') return progress(payload ?? {});
    const sink = running.get(id)?.sink;
    if (type === 'next') {
      failures = 0;
      if (sink) safely(() => sink.next(payload));
      return;
    }
    sent.delete(id);
    running.delete(id);
    if (sink) safely(() => (type === 'error' ? sink.error(payload) : sink.complete()));
    leaveIfIdle();
  }

  function acknowledged({ accountId, build, now, retry }: Json): void {
    session.clock.set(now);
    if (accountId && accountId !== (session.credentials?.account.id ?? accountId)) return refresh.lookAgain();
    clearTimeout(timer);
    advised = retry;
    isOpen = true;
    set({ socket: 'open', since: Date.now(), reason: undefined, build });
    for (const key of running.keys()) subscribe(key);
    beat.start();
    leaveIfIdle();
  }

  /** A pong was written after everything that had been asked for before its ping; that of a stock service says nothing more. */
  function progress({ cursor, at, behind, n = 0 }: Json): void {
    const isEarly = [...sent.values()].some((before) => before >= n);
    if (behind || cursor === null || isEarly) {
      set({ behind: behind || undefined });
      clearTimeout(soon);
      soon = setTimeout(ping, ASK_AGAIN);
      return;
    }
    const recovered = hasReconnected ? !socket.hadGap : null;
    if (cursor) for (const { sink } of running.values()) sink.upTo?.(cursor);
    set({ behind: 0, recovered, ...(cursor && { complete: { cursor, at: session.clock.at(at) ?? Date.now() } }) });
  }
}
