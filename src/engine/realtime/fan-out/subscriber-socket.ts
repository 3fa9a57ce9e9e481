// The part of a socket that fan-out uses: its client, and a way to write frames. The folder sockets/ implements it.
import type { ClientInfo } from '../../access/role.js';

export interface SubscriberSocket {
  readonly client: ClientInfo;
  /** Whether so much is unsent that nothing more may be queued. */
  readonly lagging: boolean;
  /** Whether the operating system has taken the written bytes, or nearly all of them. */
  readonly drained: boolean;
  /** Calls `listener` once, when the written bytes have been taken; never if the socket closes before. */
  onDrained(listener: () => void): void;
  /** Writes whole frames in order; false if they are held in memory until the operating system takes them. */
  write(frames: Buffer): boolean;
}
