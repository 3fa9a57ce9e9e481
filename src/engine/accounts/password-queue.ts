// Who hashes next, and who is refused before anything is hashed. Three kinds wait apart from each other, each with room of its own:
// people who are known, strangers who sign in, registrations. Those who are known come first, and within a kind networks take turns,
// those with wrong passwords later. So no flood, from however many fresh networks, keeps out people whose network is known.
import { availableParallelism } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { RateLimitedError, ServiceUnavailableError } from '../errors/service-error.js';
import { type Owner, ownerOf } from '../limits/client-network.js';
import { FairQueue } from '../limits/fair-queue.js';
import { FamiliarNetworks } from '../limits/familiar-networks.js';
import { Gate } from '../limits/gate.js';
import { gauges } from '../limits/gauge.js';
import { Standing } from '../limits/standing.js';
import { Metrics } from '../operations/metrics.js';

/** Hashes of one kind that may wait: of one network, or account, and of its site. */
export const MAX_WAITING = { network: 4, site: 16 };
/** What counts towards who is next: a hash, and a wrong password beside that. */
const POINTS = { hash: 0.5, wrong: 50 };
/** So many hashes of kinds that come before it a kind lets pass, then it has one. */
const PASSES = 3;
/** Work of this process itself, as when demo accounts are made. */
const OWN: Owner = { group: '', key: '' };

interface Job {
  readonly owner: Owner;
  readonly work: () => Promise<void>;
}

class Kind {
  readonly queue = new FairQueue<Job>();
  /** Hashes of others that have passed those that wait. */
  passed = 0;

  /** `most`: hashes that may wait. */
  constructor(
    readonly name: string,
    readonly most: number,
  ) {}
}

/** For whom a password is hashed: somebody at an address, or an account whose owner has proven it, by a session or a link. */
export type Caller =
  | { readonly purpose: 'sign-in' | 'registration'; readonly address: string }
  | { readonly purpose: 'change'; readonly accountId: string };

@Injectable()
export class PasswordQueue {
  /** In the order in which they come. */
  private readonly kinds = {
    known: new Kind('known', 100),
    'sign-in': new Kind('sign-in', 100),
    registration: new Kind('registration', 50),
  };
  private readonly standing = new Standing();
  private readonly refused: Counter<'kind' | 'reason'>;
  private readonly bounded: boolean;
  private free = Math.max(1, availableParallelism() - 1);

  constructor(
    @Inject(CONFIG) { rateLimits }: Config,
    { registry }: Metrics,
    private readonly gate: Gate,
    private readonly familiar: FamiliarNetworks,
  ) {
    this.bounded = rateLimits;
    const help = 'Password hashes that wait for their turn.';
    gauges(registry, 'kind', 'tidings_password_hashes_waiting', help, () =>
      Object.values(this.kinds).map(({ name, queue }) => [name, queue.size]),
    );
    this.refused = new Counter({
      name: 'tidings_password_hashes_refused_total',
      help: 'Password hashes refused because too many waited: network (RATE_LIMITED), instance (SERVICE_UNAVAILABLE).',
      labelNames: ['kind', 'reason'],
      registers: [registry],
    });
  }

  /**
   * Does `work` when it is its turn; without a `caller` for this process itself. Throws {@link RateLimitedError} when the caller has too
   * much waiting, {@link ServiceUnavailableError} when all of its kind have.
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

  /** The password was right. Only a sign-in makes a network familiar: there is a limit to those of an account. */
  succeeded(caller: Caller | undefined): void {
    if (caller?.purpose === 'sign-in') this.familiar.add(caller.address);
  }

  /** The password was wrong. */
  failed(caller: Caller | undefined): void {
    const owner = ownerOfCaller(caller);
    this.spend(owner, POINTS.wrong);
    if (caller?.purpose === 'sign-in') this.gate.wronged(owner);
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

  /** The first one that waits, unless another one has let enough pass. */
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
