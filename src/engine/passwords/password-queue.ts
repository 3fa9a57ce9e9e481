// Schedules password hashing. Three kinds wait in separate bounded queues: known people, other sign-ins, registrations. Known people go
// first, and within a kind networks take turns, those with wrong passwords later. So floods from any number of new networks do not
// block people on known networks.
import { availableParallelism } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { RateLimitedError, ServiceUnavailableError } from '../errors/service-error.js';
import { type Owner, ownerOf } from '../limits/client-network.js';
import { FairQueue } from '../limits/fair-queue.js';
import { FamiliarNetworks } from '../limits/familiar-networks.js';
import { Gate } from '../limits/gate.js';
import { RecentCosts } from '../limits/recent-costs.js';
import { Metrics } from '../monitoring/metrics.js';

/** Maximum of waiting hashes of one kind: of a network or account, and of its site. */
export const MAX_WAITING = { network: 4, site: 16 };
/** Cost of a hash, and of a wrong password, in the order of waiting entries. */
const POINTS = { hash: 0.5, wrong: 50 };
/** After this number of hashes of preferred kinds, a waiting kind gets a turn. */
const PASSES = 3;
/** Work of this process itself, such as creating accounts at the start. */
const OWN: Owner = { group: '', key: '' };

interface Job {
  readonly owner: Owner;
  readonly work: () => Promise<void>;
}

class Kind {
  readonly queue = new FairQueue<Job>();
  /** Hashes of other kinds since this kind started to wait. */
  passed = 0;

  /** `most`: maximum of waiting hashes. */
  constructor(
    readonly name: string,
    readonly most: number,
  ) {}
}

/** The requester: an anonymous client at an address, or an account authenticated by a session or a link. */
export type Caller =
  | { readonly purpose: 'sign-in' | 'registration'; readonly address: string }
  | { readonly purpose: 'change'; readonly accountId: string };

@Injectable()
export class PasswordQueue {
  /** In order of preference. */
  private readonly kinds = {
    known: new Kind('known', 100),
    'sign-in': new Kind('sign-in', 100),
    registration: new Kind('registration', 50),
  };
  private readonly standing = new RecentCosts();
  private readonly refused: Counter<'kind' | 'reason'>;
  private readonly bounded: boolean;
  private free = Math.max(1, availableParallelism() - 1);

  constructor(
    @Inject(CONFIG) { rateLimits }: Config,
    metrics: Metrics,
    private readonly gate: Gate,
    private readonly familiar: FamiliarNetworks,
  ) {
    this.bounded = rateLimits;
    const help = 'Waiting password hashes.';
    metrics.gauges('kind', 'password_hashes_waiting', help, () =>
      Object.values(this.kinds).map(({ name, queue }) => [name, queue.size]),
    );
    this.refused = metrics.counter(
      'password_hashes_refused_total',
      'Password hashes refused because too many waited: network (RATE_LIMITED), instance (SERVICE_UNAVAILABLE).',
      'kind',
      'reason',
    );
  }

  /**
   * Runs `work` when its turn comes; without a `caller`, for this process itself. Throws {@link RateLimitedError} when the caller has too
   * many waiting, {@link ServiceUnavailableError} when its kind has.
   */
  async run<T>(caller: Caller | undefined, work: () => Promise<T>): Promise<T> {
    const owner = ownerOfCaller(caller);
    const kind = this.kindOf(caller, owner);
    if (caller) this.assertRoom(kind, owner);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    kind.queue.push(owner, { owner, work: () => work().then(resolve, reject) });
    this.next();
    return promise;
  }

  /** The password was right. Only sign-ins make a network familiar, since those of an account are limited. */
  succeeded(caller: Caller | undefined): void {
    if (caller?.purpose === 'sign-in') this.familiar.add(caller.address);
  }

  /** The password was wrong. */
  failed(caller: Caller | undefined): void {
    const owner = ownerOfCaller(caller);
    this.spend(owner, POINTS.wrong);
    if (caller?.purpose === 'sign-in') this.gate.penalize(owner);
  }

  private kindOf(caller: Caller | undefined, { key }: Owner): Kind {
    if (!caller || caller.purpose === 'change') return this.kinds.known;
    return this.kinds[caller.purpose === 'sign-in' && this.familiar.has(key) ? 'known' : caller.purpose];
  }

  private assertRoom(kind: Kind, owner: Owner): void {
    if (kind.queue.size >= kind.most) throw this.refusal(kind, 'instance');
    const { key, group } = kind.queue.waitingOf(owner);
    if (this.bounded && (key >= MAX_WAITING.network || group >= MAX_WAITING.site)) throw this.refusal(kind, 'network');
  }

  private refusal({ name }: Kind, reason: 'network' | 'instance'): Error {
    this.refused.inc({ kind: name, reason });
    return reason === 'network' ? new RateLimitedError(1) : new ServiceUnavailableError(undefined, 1);
  }

  private spend({ group, key }: Owner, points: number): void {
    this.standing.add(group, points);
    this.standing.add(key, points);
  }

  private next(): void {
    while (this.free > 0) {
      const job = this.nextKind()?.queue.shift((name) => this.standing.of(name));
      if (!job) return;
      this.free -= 1;
      this.spend(job.owner, POINTS.hash);
      void job.work().finally(() => {
        this.free += 1;
        this.next();
      });
    }
  }

  /** The most preferred waiting kind, unless another one has been passed too often. */
  private nextKind(): Kind | undefined {
    const waiting = Object.values(this.kinds).filter(({ queue }) => queue.size > 0);
    const next = waiting.find(({ passed }) => passed >= PASSES) ?? waiting[0];
    for (const kind of waiting) kind.passed = kind === next ? 0 : kind.passed + 1;
    return next;
  }
}

function ownerOfCaller(caller: Caller | undefined): Owner {
  if (!caller) return OWN;
  return caller.purpose === 'change' ? { group: caller.accountId, key: caller.accountId } : ownerOf(caller.address);
}
