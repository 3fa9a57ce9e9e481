// Bounds the bytes of request bodies in memory, before they are read.
import type { IncomingMessage } from 'node:http';
import type { Owner } from '../../limits/client-network.js';

const MAX_NETWORK = 8 * 1024 * 1024;
const MAX_GROUP = 32 * 1024 * 1024;
const MAX_INSTANCE = 64 * 1024 * 1024;

export class BodyBytes {
  private all = 0;
  private readonly held = new Map<string, number>();

  /** `largest`: bytes that a body may have; one of unknown length counts as that. `perNetwork`: networks are bounded too. */
  constructor(
    private readonly largest: number,
    private readonly perNetwork: boolean,
  ) {}

  /** Counts the body of `request` until the returned function is called; otherwise returns which bound is exceeded. */
  hold({ headers }: IncomingMessage, { group, key }: Owner): (() => void) | 'network' | 'instance' {
    const bytes = headers['transfer-encoding'] ? this.largest : Number(headers['content-length'] ?? 0);
    const counted = Math.min(Number.isFinite(bytes) ? bytes : this.largest, this.largest);
    if (counted === 0) return () => {};
    const crowded = this.of(key) + counted > MAX_NETWORK || this.of(group) + counted > MAX_GROUP;
    if (this.perNetwork && crowded) return 'network';
    if (this.all + counted > MAX_INSTANCE) return 'instance';
    this.add(key, group, counted);
    return () => this.add(key, group, -counted);
  }

  get bytes(): number {
    return this.all;
  }

  private of(key: string): number {
    return this.held.get(key) ?? 0;
  }

  private add(key: string, group: string, bytes: number): void {
    this.all += bytes;
    for (const name of key === group ? [key] : [key, group]) {
      const now = this.of(name) + bytes;
      if (now > 0) this.held.set(name, now);
      else this.held.delete(name);
    }
  }
}
