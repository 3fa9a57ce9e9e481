// One graphql-transport-ws WebSocket for all subscriptions. Reconnects while somebody is signed in and a subscription runs.
import { advice, type Connection, type Range, UNCONNECTED, within } from './connection.js';
import type { Json } from './document.js';
import { failure, signedOut, type TidingsError } from './errors.js';
import { heartbeat } from './heartbeat.js';
import type { Payload, Result } from './post.js';
import type { Refresh } from './refresh.js';
import { jitter, onWake, pause, safely } from './safely.js';
import type { Session } from './session.js';
import { type Readable, store } from './store.js';

/** Receives the results of a subscription. */
export interface Sink {
  next(result: Result): void;
  error(error: TidingsError): void;
  complete(): void;
  /** All events up to `cursor` have been received. */
  upTo?(cursor: string): void;
}

export interface Socket {
  readonly connection: Readable<Connection>;
  /** Whether events were still missing after the last reconnection. */
  hadGap: boolean;
  /** Runs a subscription, also after reconnections, until it ends or the returned function is called. */
  run(payload: () => Payload, sink: Sink): () => void;
  /** Renews the token and reconnects: subscriptions are authorized by the token of the socket, which has expired. */
  renew(): Promise<void>;
  /** Adds `change` to the number of feeds that wait before a retry. */
  delay(change: number): void;
  close(): void;
}

interface Running {
  /** The operation to send, with the current cursor. Called again after each reconnection. */
  readonly payload: () => Payload;
  readonly sink: Sink;
}

const CONNECT_TIMEOUT = 10_000;
/** ms that an idle socket stays open. Short outside browsers, since it keeps the process running. */
const IDLE = typeof document === 'undefined' ? 100 : 3_000;
/** ms between pings while events are pending. */
const PING_AGAIN = 250;
/** Close code of the client: the service did not answer in time. Immediate reconnection causes no stampede. */
const NO_ANSWER = 4_999;

type Timer = ReturnType<typeof setTimeout> | undefined;

export function openSocket(session: Session, refresh: Refresh): Socket {
  const connection = store<Connection>(UNCONNECTED);
  const running = new Map<string, Running>();
  /** Operations sent over this socket, with the number of pings before them. */
  const sent = new Map<string, number>();
  let pings = 0;
  /** Number of feeds that wait before a retry. Their events are missing meanwhile. */
  let waiting = 0;
  let ws: WebSocket | undefined;
  /** The current connection attempt. Aborted when it ends, so that a late answer has no effect. */
  let attempt = new AbortController();
  let isOpen = false;
  let ids = 0;
  let failures = 0;
  let advised: Range | undefined;
  let hasReconnected = false;
  /** Timeout of a pending connection, or of an idle one. */
  let timer: Timer;
  let soon: Timer;
  /** Whether a connection is open or pending. */
  let isBusy = false;
  const closing = new AbortController();
  const ping = (): void => {
    send({ type: 'ping', payload: { n: (pings += 1) } });
    if (session.isDue(20_000)) void refresh.renew();
  };
  const beat = heartbeat(ping, () => void lost(NO_ANSWER, 'No answer'));
  let { life } = session;
  onWake(wake, closing.signal);
  const unfollow = session.state.subscribe(() => {
    if (life === session.life) return;
    ({ life } = session);
    endAll();
  });

  const socket: Socket = {
    connection,
    hadGap: false,
    run(payload, sink) {
      const id = `${(ids += 1)}`;
      running.set(id, { payload, sink });
      // React mounts twice in development. A subscription cancelled at once is never sent.
      queueMicrotask(() => {
        if (isOpen) subscribe(id);
        else if (running.has(id) && !isBusy) void connect();
      });
      return () => {
        if (!running.delete(id)) return;
        if (sent.delete(id)) send({ id, type: 'complete' });
        leaveIfIdle();
      };
    },
    async renew() {
      await refresh.renew();
      if (isOpen) void lost(NO_ANSWER, 'Renewing');
    },
    delay(change) {
      waiting += change;
      set({ behind: undefined });
      askSoon();
    },
    close() {
      closing.abort();
      unfollow();
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
    const { signal } = attempt;
    isBusy = true;
    set({ socket: 'connecting', since: Date.now() });
    await refresh.ready();
    if (signal.aborted) return;
    if (session.status === 'signed-out' || session.isClosed) return endAll();
    timer = setTimeout(() => void lost(NO_ANSWER, 'No connection'), CONNECT_TIMEOUT);
    const payload = session.headers();
    ws = new WebSocket(session.options.url.replace(/^http/, 'ws'), 'graphql-transport-ws');
    ws.onopen = () => send({ type: 'connection_init', payload });
    ws.onmessage = ({ data }) => receive(JSON.parse(data as string));
    ws.onclose = ({ code, reason }) => void lost(code, reason);
    ws.onerror = () => void lost(1006, '');
  }

  function askSoon(): void {
    clearTimeout(soon);
    soon = setTimeout(ping, PING_AGAIN);
  }

  function drop(reason: string): void {
    attempt.abort();
    attempt = new AbortController();
    clearTimeout(timer);
    clearTimeout(soon);
    beat.stop();
    isOpen = isBusy = false;
    sent.clear();
    const old = ws;
    ws = undefined;
    if (old) {
      old.onopen = old.onmessage = old.onclose = null;
      // In Node an error without a listener ends the process. The close handshake may take 30 s.
      old.onerror = () => {};
      old.close(1000);
    }
    set({ socket: 'closed', since: Date.now(), reason, behind: undefined });
  }

  function leaveIfIdle(): void {
    if (running.size > 0) return;
    clearTimeout(timer);
    if (isOpen) timer = setTimeout(() => running.size === 0 && drop('Idle'), IDLE);
    else drop('Idle');
  }

  function endAll(): void {
    const ended = [...running.values()];
    running.clear();
    drop('Signed out');
    for (const { sink } of ended) safely(() => sink.error(signedOut()));
  }

  /** Handles a connection that closed or failed to open. */
  async function lost(code: number, reason: string): Promise<void> {
    drop(reason || `Closed with ${code}`);
    const { signal } = attempt;
    socket.hadGap = false;
    hasReconnected = true;
    if (running.size === 0) return;
    isBusy = true;
    if (code === 4401 && reason === 'OTHER_ACCOUNT') void refresh.readSession();
    else if (code === 4401) await refresh.renew();
    else if (code === 4403 && !/too old/.test(reason)) session.expire();
    const range = advice(reason) ?? (code === 1012 || code === 1013 ? advised : undefined);
    await pause(range ? within(range) : jitter(code === NO_ANSWER || code === 4403 ? 0 : failures), signal);
    failures += 1;
    if (!signal.aborted) await connect();
  }

  /** Checks the connection after the page wakes up, since it is probably dead. */
  function wake(): void {
    if (isOpen) beat.wake();
    else if (ws && Date.now() - connection.get().since > 2_000) void lost(NO_ANSWER, 'No connection');
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
    if (sink) safely(() => (type === 'error' ? sink.error(failure(payload)) : sink.complete()));
    leaveIfIdle();
  }

  function acknowledged({ accountId, build, now, retry }: Json): void {
    session.clock.set(now);
    if (accountId && accountId !== (session.credentials?.account.id ?? accountId)) return void refresh.readSession();
    clearTimeout(timer);
    advised = retry;
    isOpen = true;
    set({ socket: 'open', since: Date.now(), reason: undefined, build });
    for (const key of running.keys()) subscribe(key);
    beat.start();
    leaveIfIdle();
  }

  /** Handles a pong. The service writes it after all events of the operations sent before the ping. Pongs of other services are empty. */
  function progress({ cursor, at, behind, n = 0 }: Json): void {
    const isEarly = [...sent.values()].some((before) => before >= n);
    if (behind || cursor === null || isEarly || waiting) {
      set({ behind: behind || undefined });
      if (!waiting) askSoon();
      return;
    }
    const recovered = hasReconnected ? !socket.hadGap : null;
    if (cursor) for (const { sink } of running.values()) sink.upTo?.(cursor);
    set({ behind: 0, recovered, ...(cursor && { complete: { cursor, at: session.clock.at(at) ?? Date.now() } }) });
  }
}
