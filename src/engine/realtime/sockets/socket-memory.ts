// Bounds the memory of many sockets together: unread answers and incomplete messages. The sockets that hold the most are closed, so that
// their clients reconnect. The bound of a single socket is in socket-transport.ts.
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { networkOf } from '../../limits/client-network.js';
import { Metrics } from '../../monitoring/metrics.js';
import { OpenSockets } from './open-sockets.js';
import { CloseCode } from './close-codes.js';
import type { Socket } from './socket.js';

/** ms between two sweeps over all sockets. */
const SWEEP_MS = 1_000;
const MIB = 1024 * 1024;
/** Bytes that the sockets of one account, or of one network that has not signed in, may hold, and all sockets together. */
export const MAX_SOCKET_BYTES = { account: 16 * MIB, network: 8 * MIB, all: 64 * MIB };

interface Holder {
  readonly socket: Socket;
  readonly owner: string;
  readonly bytes: number;
}

@Injectable()
export class SocketMemory implements OnModuleInit, OnApplicationShutdown {
  private readonly closed: Counter<'reason'>;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sockets: OpenSockets,
    @Inject(CONFIG) private readonly config: Config,
    metrics: Metrics,
  ) {
    this.closed = metrics.counter(
      'sockets_cut_total',
      'Sockets closed because too many bytes were held for them: account, network (not signed in), instance.',
      'reason',
    );
    metrics.gauge('sockets_before_init', 'Sockets that have not signed in.', () => this.sockets.unauthenticatedCount);
  }

  onModuleInit(): void {
    this.timer = setInterval(() => this.sweep(), SWEEP_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Closes the sockets that hold the most, until no account, network or instance exceeds its bound. */
  sweep(): void {
    const holders = this.holders().sort((a, b) => b.bytes - a.bytes);
    const byOwner = new Map<string, number>();
    let all = 0;
    for (const { owner, bytes } of holders) {
      all += bytes;
      byOwner.set(owner, (byOwner.get(owner) ?? 0) + bytes);
    }
    for (const { socket, owner, bytes } of holders) {
      const own = byOwner.get(owner) ?? 0;
      const reason = this.limitExceeded(socket, own, all);
      if (!reason) continue;
      this.closed.inc({ reason });
      socket.close(CloseCode.TryAgainLater, 'Too much was not read');
      all -= bytes;
      byOwner.set(owner, own - bytes);
    }
  }

  private holders(): Holder[] {
    const holders: Holder[] = [];
    for (const socket of this.sockets) {
      const bytes = socket.bufferedBytes + socket.receivedBytes;
      if (bytes > 0)
        holders.push({ socket, bytes, owner: socket.credential?.accountId ?? networkOf(socket.client.address) });
    }
    return holders;
  }

  private limitExceeded(
    { credential }: Socket,
    own: number,
    all: number,
  ): 'account' | 'network' | 'instance' | undefined {
    if (all > MAX_SOCKET_BYTES.all) return 'instance';
    if (!this.config.rateLimits) return undefined;
    if (credential) return own > MAX_SOCKET_BYTES.account ? 'account' : undefined;
    return own > MAX_SOCKET_BYTES.network ? 'network' : undefined;
  }
}
