// Who hashes next: the networks take turns, and those that sent no wrong password lately come first.
import { availableParallelism } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Counter } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { RateLimitedError, ServiceUnavailableError } from '../errors/service-error.js';
import { type Owner, ownerOf } from '../limits/client-network.js';
import { FairQueue } from '../limits/fair-queue.js';
import { gauge } from '../limits/gauge.js';
import { Metrics } from '../operations/metrics.js';

/** Hashes that may wait: of one network, of its site, and altogether. */
export const MAX_WAITING = { network: 4, site: 16, all: 200 };
/** Every so many hashes one of the last rank is made, so that nobody waits in vain. */
const LAST_RANK_EVERY = 4;
/** ms for which a wrong password counts, and wrong passwords of a site up to which it may have been a mistake. */
const REMEMBERED_MS = 15 * 60_000;
const MISTAKES = 3;
const MAX_SITES = 10_000;
/** Work of this process itself, as when demo accounts are made. */
const OWN: Owner = { group: '', key: '' };

/** What is hashed for: to sign in, or anything that can wait for that. */
export type Purpose = 'sign-in' | 'other';

@Injectable()
export class PasswordQueue {
  private readonly ranks = [0, 1, 2].map(() => new FairQueue<() => Promise<void>>());
  private readonly failures = new LRUCache<string, number>({ max: MAX_SITES, ttl: REMEMBERED_MS });
  private readonly refused: Counter<'reason'>;
  private readonly bounded: boolean;
  private free = Math.max(1, availableParallelism() - 1);
  private started = 0;

  constructor(@Inject(CONFIG) { rateLimits }: Config, { registry }: Metrics) {
    this.bounded = rateLimits;
    gauge(registry, 'tidings_password_hashes_waiting', 'Password hashes that wait for their turn.', () => this.waiting);
    this.refused = new Counter({
      name: 'tidings_password_hashes_refused_total',
      help: 'Password hashes refused because too many waited: network (RATE_LIMITED), instance (SERVICE_UNAVAILABLE).',
      labelNames: ['reason'],
      registers: [registry],
    });
  }

  get waiting(): number {
    return this.ranks.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Does `work` for a client at `address` when it is its turn; undefined: for this process itself. Throws {@link RateLimitedError}
   * when its network has too much waiting, {@link ServiceUnavailableError} when all networks together have.
   */
  async run<T>(address: string | undefined, purpose: Purpose, work: () => Promise<T>): Promise<T> {
    const owner = address === undefined ? OWN : ownerOf(address);
    if (owner !== OWN) this.assertRoom(owner);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.ranks[this.rankOf(owner, purpose)]?.push(owner, () => work().then(resolve, reject));
    this.next();
    return promise;
  }

  /** A password from `address` was wrong. */
  failed(address: string | undefined): void {
    if (address === undefined) return;
    const { group } = ownerOf(address);
    this.failures.set(group, (this.failures.get(group) ?? 0) + 1);
  }

  private assertRoom(owner: Owner): void {
    if (this.waiting >= MAX_WAITING.all) throw this.refusal('instance');
    const waiting = this.ranks.map((queue) => queue.waitingOf(owner));
    const own = waiting.reduce((sum, { key }) => sum + key, 0);
    const site = waiting.reduce((sum, { group }) => sum + group, 0);
    if (this.bounded && (own >= MAX_WAITING.network || site >= MAX_WAITING.site)) throw this.refusal('network');
  }

  private refusal(reason: 'network' | 'instance'): Error {
    this.refused.inc({ reason });
    return reason === 'network' ? new RateLimitedError(1) : new ServiceUnavailableError(undefined, 1);
  }

  private rankOf({ group }: Owner, purpose: Purpose): number {
    const failures = this.failures.get(group) ?? 0;
    if (failures > MISTAKES) return 2;
    return failures > 0 || purpose === 'other' ? 1 : 0;
  }

  private next(): void {
    while (this.free > 0) {
      const queues = (this.started + 1) % LAST_RANK_EVERY === 0 ? this.ranks.toReversed() : this.ranks;
      const work = queues.find(({ size }) => size > 0)?.shift();
      if (!work) return;
      this.free -= 1;
      this.started += 1;
      void work().finally(() => {
        this.free += 1;
        this.next();
      });
    }
  }
}
