// Records the traffic of sockets and requests of this page, without changing their behaviour.
import type { Frames } from './frames.js';

/** Name of the first operation of a document, or of its first field. */
function nameIn(query: unknown): string | undefined {
  if (typeof query !== 'string') return undefined;
  const [, name] = /^\s{0,9}(?:query|mutation|subscription)\s{1,9}(\w{1,128})/m.exec(query) ?? [];
  return name ?? /\{\s{0,9}(\w{1,128})/.exec(query)?.[1];
}

interface Message {
  readonly type?: string;
  readonly id?: string;
  readonly payload?: { readonly query?: unknown; readonly operationName?: string | null };
}

/** Parses a frame of `graphql-transport-ws`. Other frames are shown unchanged. */
function messageIn(data: unknown): { readonly raw: string; readonly message: Message } {
  if (typeof data !== 'string') return { raw: '', message: { type: 'binary' } };
  try {
    return { raw: data, message: (JSON.parse(data) ?? {}) as Message };
  } catch {
    return { raw: data, message: { type: 'text' } };
  }
}

/** A `WebSocket` class that records its frames. */
export function recordedSocket(frames: Frames, Base: typeof WebSocket): typeof WebSocket {
  let count = 0;
  return class RecordedSocket extends Base {
    readonly #number = (count += 1);
    #closedHere = false;
    /** Names of running operations, by id. */
    readonly #operations = new Map<string, string>();

    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      const socket = this.#number;
      frames.add({ socket, way: 'state', type: 'connecting', raw: JSON.stringify({ url: String(url), protocols }) });
      this.addEventListener('open', () => frames.add({ socket, way: 'state', type: 'open' }));
      this.addEventListener('message', ({ data }: MessageEvent) => this.#show('in', data));
      this.addEventListener('close', ({ code, reason, wasClean }) => {
        const raw = JSON.stringify({
          code,
          reason,
          wasClean,
          closedBy: this.#closedHere ? 'this page' : 'the other end',
        });
        frames.add({ socket, way: 'state', type: 'close', code, raw });
      });
    }

    override send(data: Parameters<WebSocket['send']>[0]): void {
      super.send(data);
      this.#show('out', data);
    }

    override close(code?: number, reason?: string): void {
      if (this.readyState < WebSocket.CLOSING) this.#closedHere = true;
      super.close(code, reason);
    }

    #show(way: 'in' | 'out', data: unknown): void {
      const { raw, message } = messageIn(data);
      const { type = 'unknown', id, payload } = message;
      if (id !== undefined && type === 'subscribe') {
        const name = payload?.operationName ?? nameIn(payload?.query);
        if (name) this.#operations.set(id, name);
      }
      const operation = id === undefined ? undefined : this.#operations.get(id);
      if (id !== undefined && type === 'complete') this.#operations.delete(id);
      frames.add({ socket: this.#number, way, type, id, operation, raw });
    }
  };
}

/** A `fetch` that records requests to `endpoint`, a path of this origin. */
export function recordedFetch(frames: Frames, base: typeof fetch, endpoint: string): typeof fetch {
  let count = 0;
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    if (url.origin !== location.origin || url.pathname !== endpoint || typeof init?.body !== 'string')
      return base(input, init);
    const id = `${(count += 1)}`;
    const body = JSON.parse(init.body) as { query?: unknown; operationName?: string };
    const operation = body.operationName ?? nameIn(body.query);
    const about = { socket: 0, id, operation };
    const raw = JSON.stringify({ method: init.method, headers: init.headers, body });
    frames.add({ ...about, way: 'out', type: 'request', raw });
    const began = performance.now();
    const took = () => Math.round(performance.now() - began);
    try {
      const response = await base(input, init);
      const text = await response.clone().text();
      const answer = isJson(text) ? text : JSON.stringify(text);
      const whole = `{"status":${response.status},"body":${answer || 'null'}}`;
      frames.add({ ...about, way: 'in', type: 'response', raw: whole, code: response.status, took: took() });
      return response;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      frames.add({ ...about, way: 'in', type: 'failed', raw: JSON.stringify({ reason }), took: took() });
      throw error;
    }
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
