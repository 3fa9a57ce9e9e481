// Recorded frames, newest last: bounded, without secrets. Knows neither sockets nor the page.
import { redactJson } from '../redact.js';

export interface Frame {
  readonly key: number;
  /** ms since 1970. */
  readonly at: number;
  /** Number of the socket; 0 for HTTP. */
  readonly socket: number;
  /** Sent to the service, received from it, or a state of the connection. */
  readonly way: 'out' | 'in' | 'state';
  /** Type of the message, or `open`, `close`, `request`, `response`. */
  readonly type: string;
  /** Operation id in the protocol; for HTTP, number of the request. */
  readonly id: string | undefined;
  /** Name of the operation, if known. */
  readonly operation: string | undefined;
  /** Bytes, including secrets. */
  readonly size: number;
  /** JSON without secrets, truncated to {@link MAX_TEXT} characters. */
  readonly text: string;
  /** Code of a close, or HTTP status. */
  readonly code: number | undefined;
  /** Duration of a request in ms. */
  readonly took: number | undefined;
}

export type NewFrame = Pick<Frame, 'socket' | 'way' | 'type'> & {
  readonly id?: string | undefined;
  readonly operation?: string | undefined;
  /** The text as it was sent. */
  readonly raw?: string;
  readonly code?: number;
  readonly took?: number;
};

export interface FrameList {
  readonly frames: readonly Frame[];
  /** Number of old frames dropped since the list was cleared. */
  readonly dropped: number;
  /** Number of frames not recorded while paused. */
  readonly missed: number;
  readonly paused: boolean;
}

/** Maximum number of frames kept, and of pings and pongs among them. */
export const MAX_FRAMES = 500;
const MAX_PINGS = 40;
const MAX_TEXT = 20_000;

export const isPing = ({ type }: Pick<Frame, 'type'>): boolean => type === 'ping' || type === 'pong';

const encoder = new TextEncoder();

export class Frames {
  #shown: FrameList = { frames: [], dropped: 0, missed: 0, paused: false };
  #keys = 0;
  #pings = 0;
  readonly #listeners = new Set<() => void>();

  readonly get = (): FrameList => this.#shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  add({ raw = '', ...frame }: NewFrame): void {
    const text = redactJson(raw);
    const added: Frame = {
      id: undefined,
      operation: undefined,
      code: undefined,
      took: undefined,
      ...frame,
      key: (this.#keys += 1),
      at: Date.now(),
      size: encoder.encode(raw).length,
      text: text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text,
    };
    const { frames, dropped, missed, paused } = this.#shown;
    if (paused) return this.#set({ missed: missed + 1 });
    const kept = [...frames, added];
    let gone = 0;
    const drop = (index: number): void => {
      const [old] = kept.splice(index, 1);
      if (old && isPing(old)) this.#pings -= 1;
      gone += 1;
    };
    if (isPing(added) && (this.#pings += 1) > MAX_PINGS) drop(kept.findIndex(isPing));
    if (kept.length > MAX_FRAMES) drop(0);
    this.#set({ frames: kept, dropped: dropped + gone });
  }

  clear(): void {
    this.#pings = 0;
    this.#set({ frames: [], dropped: 0, missed: 0 });
  }

  pause(paused: boolean): void {
    this.#set({ paused, missed: 0 });
  }

  #set(change: Partial<FrameList>): void {
    this.#shown = { ...this.#shown, ...change };
    for (const listener of this.#listeners) listener();
  }
}
