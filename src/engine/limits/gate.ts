// The gate in front of parsing, for HTTP and sockets: decides which work runs now, waits, or is refused.
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { RateLimitedError, ServiceUnavailableError } from '../errors/service-error.js';
import { Metrics } from '../monitoring/metrics.js';
import type { Owner } from './client-network.js';
import { FamiliarNetworks } from './familiar-networks.js';
import { DocumentCosts } from './document-costs.js';
import { RecentCosts } from './recent-costs.js';
import { WorkBudget } from './work-budget.js';
import { WorkQueue, type WorkItem, WorkScheduler } from './work-scheduler.js';

/** A request for work, before anything of it was parsed. */
export interface Work {
  /** Where it comes from. */
  readonly network: Owner;
  /** From a verified token. */
  readonly accountId?: string | undefined;
  /** The text of the document, if known; otherwise only `bytes`. */
  document?: string | undefined;
  /** Whether the document is cached; may change while this waits. */
  isKnown(): boolean;
  readonly bytes: number;
  /** The operation only signs out, so exhausted budgets do not block it. */
  readonly signsOut?: boolean;
  /** A page or its file: browsers request many at once, and an office has many browsers. */
  readonly isPage?: boolean;
  /** False once the result is not needed any more. */
  wanted(): boolean;
}

/** ms of work, see WorkBudget. */
const NETWORK = { burst: 2_000, perSecond: 50 };
const NETWORK_GROUP = { burst: 8_000, perSecond: 200 };
const ACCOUNT = { burst: 2_000, perSecond: 200 };
/** Waiting entries in one lane: of a key, of its group, in total. Clients open their subscriptions all at once. */
const MAX_ANONYMOUS_WAITING = { key: 32, group: 128, all: 512 };
const MAX_PAGES_WAITING = { key: 512, group: 1_024, all: 2_048 };
const MAX_ACCOUNT_WAITING = { key: 1_000, group: 4_000, all: 8_000 };
/** Waiting bytes in one lane: of a key, in total. */
const MAX_WAITING_BYTES = { key: 4 * 1024 * 1024, all: 32 * 1024 * 1024 };
/** Time-out of a waiting entry in ms. */
const MAX_WAIT_MS = 10_000;
/** Upper limit of bytes, including variables, of a light operation. */
const MAX_LIGHT_BYTES = 16 * 1024;
/** Upper limit of bytes and ms of an operation that counts as a sign-in, from a familiar network. */
const MAX_SIGN_IN = { bytes: 2 * 1024, ms: 10 };
/** ms charged in advance; corrected after measuring. */
const MIN_CHARGE_MS = 1;
/** Estimated ms per byte of a document that was never measured. */
const BYTE_MS = 0.001_25;
/** ms per byte for reading and garbage collection, outside of the measured work. */
const TRANSFER_MS = 0.000_03;
/** Upper limit of the charge, as a multiple of the estimate and at least in ms: stalls of the machine are not charged. */
const MAX_CORRECTION = 4;
const MAX_UNEXPECTED_MS = 20;

/** Penalty in ms for a failure such as a wrong password, in the order of waiting entries. */
const FAILURE_PENALTY = 50;

type Reason = 'budget' | 'waiting' | 'overload' | 'late';

@Injectable()
export class Gate implements OnApplicationShutdown {
  private readonly documentCosts = new DocumentCosts();
  /**
   * Shares of the event loop's time. Light documents do not wait for others, and networks with a recent sign-in do not wait for
   * unknown ones.
   */
  private readonly lanes = {
    familiar: new WorkQueue('anonymous-familiar', 0.1),
    anonymousKnown: new WorkQueue('anonymous-known', 0.1),
    anonymous: new WorkQueue('anonymous', 0.15),
    signedIn: new WorkQueue('signed-in', 0.25),
    signOut: new WorkQueue('sign-out', 0.05),
    pages: new WorkQueue('pages', 0.15),
  };
  private readonly recentCosts = new RecentCosts();
  private readonly scheduler = new WorkScheduler(Object.values(this.lanes), this.recentCosts);
  private readonly networks = new WorkBudget(NETWORK);
  private readonly groups = new WorkBudget(NETWORK_GROUP);
  private readonly accounts = new WorkBudget(ACCOUNT);
  private readonly refused: Counter<'caller' | 'reason'>;
  private readonly bounded: boolean;

  constructor(
    @Inject(CONFIG) { rateLimits }: Config,
    metrics: Metrics,
    private readonly familiar: FamiliarNetworks,
  ) {
    this.bounded = rateLimits;
    this.refused = metrics.counter(
      'gate_refusals_total',
      'Operations refused before parsing: budget or waiting (RATE_LIMITED), overload or late (SERVICE_UNAVAILABLE).',
      'caller',
      'reason',
    );
    this.report(metrics);
  }

  onApplicationShutdown(): void {
    this.scheduler.stop();
  }

  /**
   * Resolves when the work may run, which it must at once. Throws {@link RateLimitedError} if the caller asked for too much,
   * {@link ServiceUnavailableError} if all callers together did.
   */
  async admit(work: Work): Promise<void> {
    const light = this.isLight(work);
    const wait = this.budgetWait(work, MIN_CHARGE_MS);
    if (wait > 0) throw this.refuse(work, 'budget', Math.ceil(wait / 1_000));
    this.charge(work, MIN_CHARGE_MS);
    if (light && isOrdinary(work)) return;
    await this.enqueue(work, this.lanes[this.laneOf(work, light)]);
  }

  private laneOf(work: Work, light: boolean): keyof typeof this.lanes {
    const { accountId, signsOut, isPage, network } = work;
    if (isPage) return 'pages';
    if (accountId !== undefined) return signsOut ? 'signOut' : 'signedIn';
    if (this.familiar.has(network.key) && this.isLikelySignIn(work)) return 'familiar';
    return light ? 'anonymousKnown' : 'anonymous';
  }

  /** Why anonymous callers of this network are currently refused, if they are. */
  refusalOf(network: Owner): RateLimitedError | ServiceUnavailableError | undefined {
    const wait = this.budgetWait({ network }, MIN_CHARGE_MS);
    return wait > 0 ? this.refuse({}, 'budget', Math.ceil(wait / 1_000)) : undefined;
  }

  /** Penalizes a network for an anonymous failure, such as a wrong password: others go first for a while. */
  penalize(network: Owner): void {
    this.recentCosts.add(network.group, FAILURE_PENALTY);
    this.recentCosts.add(network.key, FAILURE_PENALTY);
  }

  /** Sets the fields that an operation of the document can resolve, for later charges. */
  recordFields(document: string, fields: number): void {
    this.documentCosts.recordFields(document, fields);
  }

  private isLight(work: Work): boolean {
    const { document, bytes } = work;
    return document !== undefined && work.isKnown() && bytes <= MAX_LIGHT_BYTES && this.documentCosts.isLight(document);
  }

  private isLikelySignIn({ document, bytes }: Work): boolean {
    const expected = document === undefined ? undefined : this.documentCosts.estimateOf(document);
    return bytes <= MAX_SIGN_IN.bytes && (expected ?? 0) <= MAX_SIGN_IN.ms;
  }

  /** Upper limit of the charge in ms. */
  private maxCharge({ document, bytes }: Work): number {
    const expected = document === undefined ? undefined : this.documentCosts.estimateOf(document);
    return Math.max(MAX_UNEXPECTED_MS, MAX_CORRECTION * (expected ?? bytes * BYTE_MS));
  }

  /** ms until the caller may spend `ms`. */
  private budgetWait(
    { network, accountId, signsOut }: Pick<Work, 'network' | 'accountId' | 'signsOut'>,
    ms: number,
  ): number {
    if (!this.bounded || (signsOut && accountId !== undefined)) return 0;
    if (accountId !== undefined) return this.accounts.waitFor(accountId, ms);
    return Math.max(this.networks.waitFor(network.key, ms), this.groups.waitFor(network.group, ms));
  }

  private charge({ network, accountId }: Work, ms: number): void {
    if (accountId !== undefined) return this.accounts.charge(accountId, ms);
    this.networks.charge(network.key, ms);
    this.groups.charge(network.group, ms);
  }

  private enqueue(work: Work, lane: WorkQueue): Promise<void> {
    const owner = { group: work.network.group, key: work.accountId ?? work.network.key };
    const refusal = queueRefusal(lane.items, owner, work);
    if (refusal === 'overload' || (refusal && this.bounded)) throw this.refuse(work, refusal, 1);
    const since = performance.now();
    let wasKnown = false;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const piece: WorkItem = {
      wanted: () => {
        const refused = this.refusalAfterWait(work, performance.now() - since);
        if (refused) reject(refused);
        wasKnown = work.isKnown();
        return !refused;
      },
      start: resolve,
      settle: (ms) => {
        const most = this.maxCharge(work);
        const done =
          work.document === undefined ? ms : this.documentCosts.recordMeasurement(work.document, ms, wasKnown);
        const all = done + work.bytes * TRANSFER_MS;
        this.charge(work, Math.min(all, most) - MIN_CHARGE_MS);
        this.recentCosts.add(owner.group, all);
        this.recentCosts.add(owner.key, all);
        // Its document was new on arrival and has turned out to be light since: it need not wait.
        return isOrdinary(work) && this.isLight(work) ? 0 : all;
      },
    };
    this.scheduler.add(lane, owner, piece, work.bytes);
    return promise;
  }

  /** Why work that has waited is refused, if it is. */
  private refusalAfterWait(work: Work, waited: number): RateLimitedError | ServiceUnavailableError | undefined {
    if (!work.wanted()) return new ServiceUnavailableError();
    if (waited > MAX_WAIT_MS) return this.refuse(work, 'late', 5);
    const wait = this.budgetWait(work, 0);
    return wait > 0 ? this.refuse(work, 'budget', Math.ceil(wait / 1_000)) : undefined;
  }

  private refuse(
    { accountId }: Pick<Work, 'accountId'>,
    reason: Reason,
    retryAfter: number,
  ): RateLimitedError | ServiceUnavailableError {
    this.refused.inc({ caller: accountId === undefined ? 'anonymous' : 'account', reason });
    const own = reason === 'budget' || reason === 'waiting';
    return own ? new RateLimitedError(retryAfter) : new ServiceUnavailableError(undefined, retryAfter);
  }

  private report(metrics: Metrics): void {
    const lanes = Object.values(this.lanes);
    metrics.gauges('lane', 'gate_waiting', 'Operations waiting to be parsed.', () =>
      lanes.map(({ name, items }) => [name, items.size]),
    );
    const help = 'CPU seconds of the event loop used by operations behind the gate.';
    metrics.gauges('lane', 'gate_busy_seconds', help, () => lanes.map(({ name, busySeconds }) => [name, busySeconds]));
  }
}

/** Whether the work is of an account and not only a sign-out. */
function isOrdinary({ accountId, signsOut }: Work): boolean {
  return accountId !== undefined && !signsOut;
}

/** Why another entry cannot wait: the owner's limit, or the total one. */
function queueRefusal(queue: WorkQueue['items'], owner: Owner, work: Work): 'waiting' | 'overload' | undefined {
  const { accountId, isPage, bytes } = work;
  const most = isPage ? MAX_PAGES_WAITING : accountId === undefined ? MAX_ANONYMOUS_WAITING : MAX_ACCOUNT_WAITING;
  if (queue.size >= most.all || queue.bytes + bytes > MAX_WAITING_BYTES.all) return 'overload';
  const own = queue.waitingOf(owner);
  const full = own.key >= most.key || own.group >= most.group || own.bytes + bytes > MAX_WAITING_BYTES.key;
  return full ? 'waiting' : undefined;
}
