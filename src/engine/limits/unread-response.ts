// Detects clients that read their response too slowly.
import type { Socket } from 'node:net';

/** ms without progress after which a connection is cut. */
const STALL_MS = 10_000;
/** Minimum bytes per second, once those ms have passed. */
const MIN_BYTES_PER_SECOND = 32 * 1024;

/** Progress of a connection with unsent bytes. */
export interface WriteProgress {
  /** When the first unsent byte was seen, in ms; and the bytes sent until then. */
  readonly since: number;
  readonly sentBefore: number;
  /** Bytes sent, and when that last grew. */
  readonly sent: number;
  readonly grewAt: number;
  readonly unsent: number;
}

/** The handle of a connection; Node has no public API for its counters. */
interface Handle {
  /** Bytes held by libuv because the operating system did not accept them. */
  readonly writeQueueSize: number;
  /** Bytes handed to libuv. */
  readonly bytesWritten: number;
}

/** The progress of a connection at `now`, given the one `before`; undefined: everything was sent. */
export function writeProgressOf(
  socket: Socket,
  now: number,
  before: WriteProgress | undefined,
): WriteProgress | undefined {
  const handle = Reflect.get(socket, '_handle') as Handle | null | undefined;
  if (!handle) return undefined;
  const unsent = handle.writeQueueSize || socket.writableLength;
  if (unsent === 0) return undefined;
  const sent = handle.bytesWritten - handle.writeQueueSize;
  if (!before) return { since: now, sentBefore: sent, sent, grewAt: now, unsent };
  return { ...before, sent, unsent, grewAt: sent > before.sent ? now : before.grewAt };
}

/** Why the connection must be cut, if so. */
export function stallOf(progress: WriteProgress | undefined, now: number): 'unread' | 'trickle' | undefined {
  if (!progress) return undefined;
  if (now - progress.grewAt >= STALL_MS) return 'unread';
  const bytes = progress.sent - progress.sentBefore + progress.unsent;
  return now - progress.since >= STALL_MS + (bytes / MIN_BYTES_PER_SECOND) * 1_000 ? 'trickle' : undefined;
}
