// Who hashes next: sign-ins before all else, and among them the network that sent the fewest passwords lately. Wrong ones count more,
// and a network from which somebody has signed in comes before those that nobody knows.
import { availableParallelism } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Counter } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { RateLimitedError, ServiceUnavailableError } from '../errors/service-error.js';
import { type Owner, ownerOf } from '../limits/client-network.js';
import { FairQueue } from '../limits/fair-queue.js';
import { Gate } from '../limits/gate.js';
import { gauge } from '../limits/gauge.js';
import { Standing } from '../limits/standing.js';
import { Metrics } from '../operations/metrics.js';

/** Hashes that may wait: of one network, of its site, and altogether. */
export const MAX_WAITING = { network: 4, site: 16, all: 200 };
/** What counts towards who is next: a hash, a wrong password beside that, and that a network is unknown. */
const POINTS = { hash: 0.5, wrong: 50, unknown: 20 };
/** ms for which a sign-in makes a network known, and networks that are. */
const KNOWN_MS = 24 * 60 * 60_000;
const MAX_KNOWN = 20_000;
/** Every so many hashes one that is no sign-in comes first, so that nobody waits in vain. */
const OTHER_EVERY = 4;
/** Work of this process itself, as when demo accounts are made. */
const OWN: Owner = { group: '', key: '' };

type Job = () => Promise<void>;

/** What is hashed for: to sign in, or anything that can wait for that. */
export type Purpose = 'sign-in' | 'other';

@Injectable()
export class PasswordQueue {
  private readonly queues = { 'sign-in': new FairQueue<Job>(), other: new FairQueue<Job>() };
  private readonly standing = new Standing();
  private readonly known = new LRUCache<string, true>({ max: MAX_KNOWN, ttl: KNOWN_MS });
  private readonly refused: Counter<'reason'>;
  private readonly bounded: boolean;
  private free = Math.max(1, availableParallelism() - 1);
  private started = 0;

  constructor(
    @Inject(CONFIG) { rateLimits }: Config,
    { registry }: Metrics,
    private readonly gate: Gate,
  ) {
    this.bounded = rateLimits;
    const help = 'Password hashes that wait for their turn.';
    gauge(registry, 'tidings_password_hashes_waiting', help, () => this.waiting);
    this.refused = new Counter({
      name: 'tidings_password_hashes_refused_total',
      help: 'Password hashes refused because too many waited: network (RATE_LIMITED), instance (SERVICE_UNAVAILABLE).',
      labelNames: ['reason'],
      registers: [registry],
    });
  }

  /**
   * Does `work` for a client at `address` when it is its turn; undefined: for this process itself. Throws {@link RateLimitedError}
   * when its network has too much waiting, {@link ServiceUnavailableError} when all networks together have.
   */
  async run<T>(address: string | undefined, purpose: Purpose, work: () => Promise<T>): Promise<T> {
    const owner = address === undefined ? OWN : ownerOf(address);
    if (owner !== OWN) this.assertRoom(owner);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.queues[purpose].push(owner, () => {
      this.spend(owner, POINTS.hash);
      return work().then(resolve, reject);
    });
    this.next();
    return promise;
  }

  get waiting(): number {
    return this.queues['sign-in'].size + this.queues.other.size;
  }

  /** A password from `address` was right. */
  succeeded(address: string | undefined): void {
    if (address === undefined) return;
    const { group, key } = ownerOf(address);
    this.known.set(group, true);
    this.known.set(key, true);
  }

  /** A password from `address` was wrong. */
  failed(address: string | undefined): void {
    if (address === undefined) return;
    const owner = ownerOf(address);
    this.spend(owner, POINTS.wrong);
    this.gate.wronged(owner);
  }

  private assertRoom(owner: Owner): void {
    if (this.waiting >= MAX_WAITING.all) throw this.refusal('instance');
    const waiting = Object.values(this.queues).map((queue) => queue.waitingOf(owner));
    const own = waiting.reduce((sum, { key }) => sum + key, 0);
    const site = waiting.reduce((sum, { group }) => sum + group, 0);
    if (this.bounded && (own >= MAX_WAITING.network || site >= MAX_WAITING.site)) throw this.refusal('network');
  }

  private refusal(reason: 'network' | 'instance'): Error {
    this.refused.inc({ reason });
    return reason === 'network' ? new RateLimitedError(1) : new ServiceUnavailableError(undefined, 1);
  }

  private spend({ group, key }: Owner, points: number): void {
    this.standing.add(group, points);
    this.standing.add(key, points);
  }

  private pointsOf(name: string): number {
    return this.standing.of(name) + (this.known.has(name) ? 0 : POINTS.unknown);
  }

  private next(): void {
    while (this.free > 0) {
      const { 'sign-in': signIns, other } = this.queues;
      const otherFirst = other.size > 0 && (signIns.size === 0 || this.started % OTHER_EVERY === OTHER_EVERY - 1);
      const work = (otherFirst ? other : signIns).shift((name) => this.pointsOf(name));
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
