// When a client reads its response too slowly to be waited for.
import type { Socket } from 'node:net';

/** ms without a byte that the operating system took, after which a connection is cut. */
const STALL_MS = 10_000;
/** Bytes a second that a client must read at least, once those ms have passed. */
const MIN_BYTES_PER_SECOND = 32 * 1024;

/** What a connection with unsent bytes has sent so far. */
export interface Progress {
  /** When the first of the unsent bytes was seen, ms; and what had been sent by then. */
  readonly since: number;
  readonly sentBefore: number;
  /** What has been sent, and when that last grew. */
  readonly sent: number;
  readonly grewAt: number;
  readonly unsent: number;
}

/** The handle of a connection; Node has no public name for its counters. */
interface Handle {
  /** Bytes that libuv holds because the operating system did not take them. */
  readonly writeQueueSize: number;
  /** Bytes handed to libuv. */
  readonly bytesWritten: number;
}

/** The progress of a connection at `now`, after what was seen `before`; undefined: everything was sent. */
export function progressOf(socket: Socket, now: number, before: Progress | undefined): Progress | undefined {
  const handle = Reflect.get(socket, '_handle') as Handle | null | undefined;
  if (!handle) return undefined;
  const unsent = handle.writeQueueSize || socket.writableLength;
  if (unsent === 0) return undefined;
  const sent = handle.bytesWritten - handle.writeQueueSize;
  if (!before) return { since: now, sentBefore: sent, sent, grewAt: now, unsent };
  return { ...before, sent, unsent, grewAt: sent > before.sent ? now : before.grewAt };
}

/** Why the connection is to be cut, if it is. */
export function stalled(progress: Progress | undefined, now: number): 'unread' | 'trickle' | undefined {
  if (!progress) return undefined;
  if (now - progress.grewAt >= STALL_MS) return 'unread';
  const bytes = progress.sent - progress.sentBefore + progress.unsent;
  return now - progress.since >= STALL_MS + (bytes / MIN_BYTES_PER_SECOND) * 1_000 ? 'trickle' : undefined;
}
