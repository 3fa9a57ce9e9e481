// The gate in front of parsing, the same for HTTP and sockets: who may have work done now, who waits, and who is refused.
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Counter } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { RateLimitedError, ServiceUnavailableError } from '../errors/service-error.js';
import { Metrics } from '../operations/metrics.js';
import type { Owner } from './client-network.js';
import { FamiliarNetworks } from './familiar-networks.js';
import { gauges } from './gauge.js';
import { KnownWork } from './known-work.js';
import { Standing } from './standing.js';
import { WorkBudget } from './work-budget.js';
import { Lane, type Piece, WorkTurns } from './work-turns.js';

/** What somebody asks for, before anything of it was read. */
export interface Work {
  /** Where it comes from. */
  readonly network: Owner;
  /** Of a verified token. */
  readonly accountId?: string | undefined;
  /** The text of the document, if it is known already; otherwise only `bytes` are. */
  document?: string | undefined;
  /** Whether it is kept parsed and validated by now: it may become so while this waits. */
  isKnown(): boolean;
  readonly bytes: number;
  /** The account only signs out: that it has spent too much is no obstacle. */
  readonly signsOut?: boolean;
  /** False once nobody waits for the result any more. */
  wanted(): boolean;
}

/** ms of work, see WorkBudget. */
const NETWORK = { burst: 2_000, perSecond: 50 };
const NETWORK_GROUP = { burst: 8_000, perSecond: 200 };
const ACCOUNT = { burst: 2_000, perSecond: 200 };
/** Entries that wait in one lane: of one key, of its group, and altogether. A client opens its subscriptions all at once. */
const MAX_ANONYMOUS_WAITING = { key: 32, group: 128, all: 512 };
const MAX_ACCOUNT_WAITING = { key: 1_000, group: 4_000, all: 8_000 };
/** Bytes of entries that wait in one lane: of one key, and altogether. */
const MAX_WAITING_BYTES = { key: 4 * 1024 * 1024, all: 32 * 1024 * 1024 };
/** ms after which it is too late for an entry. */
const MAX_WAIT_MS = 10_000;
/** Bytes, variables among them, up to which an operation can be light. */
const MAX_LIGHT_BYTES = 16 * 1024;
/** Bytes and ms up to which an operation goes for a sign-in, if it comes from a familiar network. */
const MAX_SIGN_IN = { bytes: 2 * 1024, ms: 10 };
/** ms that everything is charged at once; what it took comes later. */
const MIN_CHARGE_MS = 1;
/** ms that are expected of each byte of a document that was never measured. */
const BYTE_MS = 0.001_25;
/** ms that reading a byte and collecting its copies takes: before and after the piece of work that is measured. */
const TRANSFER_MS = 0.000_03;
/** How many times the ms that were expected are charged at most, and those that are in any case: a stall is nobody's fault. */
const MAX_CORRECTION = 4;
const MAX_UNEXPECTED_MS = 20;

/** ms of work that something wrong counts like when it comes to who is next. */
const WRONG_POINTS = 50;

type Reason = 'budget' | 'waiting' | 'overload' | 'late';

@Injectable()
export class Gate implements OnApplicationShutdown {
  private readonly known = new KnownWork();
  /**
   * Shares of the event loop's time. Documents that are known to be light do not wait for those that are not, nor those that ask from
   * where somebody has signed in for strangers.
   */
  private readonly lanes = {
    familiar: new Lane('anonymous-familiar', 0.1),
    anonymousKnown: new Lane('anonymous-known', 0.1),
    anonymous: new Lane('anonymous', 0.15),
    signedIn: new Lane('signed-in', 0.25),
    signOut: new Lane('sign-out', 0.05),
  };
  private readonly standing = new Standing();
  private readonly turns = new WorkTurns(Object.values(this.lanes), this.standing);
  private readonly networks = new WorkBudget(NETWORK);
  private readonly groups = new WorkBudget(NETWORK_GROUP);
  private readonly accounts = new WorkBudget(ACCOUNT);
  private readonly refused: Counter<'caller' | 'reason'>;
  private readonly bounded: boolean;

  constructor(
    @Inject(CONFIG) { rateLimits }: Config,
    { registry }: Metrics,
    private readonly familiar: FamiliarNetworks,
  ) {
    this.bounded = rateLimits;
    this.refused = new Counter({
      name: 'tidings_gate_refusals_total',
      help: 'Operations refused before they were parsed: budget or waiting (RATE_LIMITED), overload or late (SERVICE_UNAVAILABLE).',
      labelNames: ['caller', 'reason'],
      registers: [registry],
    });
    this.report(registry);
  }

  onApplicationShutdown(): void {
    this.turns.stop();
  }

  /**
   * Resolves when the work may be done, and it is to be done at once. Throws {@link RateLimitedError} to a caller that asked for too
   * much, {@link ServiceUnavailableError} when all callers together did.
   */
  async admit(work: Work): Promise<void> {
    const light = this.isLight(work);
    const wait = this.budgetWait(work, MIN_CHARGE_MS);
    if (wait > 0) throw this.refuse(work, 'budget', Math.ceil(wait / 1_000));
    this.charge(work, MIN_CHARGE_MS);
    if (light && isOrdinary(work)) return;
    await this.turn(work, this.lanes[this.laneOf(work, light)]);
  }

  private laneOf(work: Work, light: boolean): keyof typeof this.lanes {
    const { accountId, signsOut, network } = work;
    if (accountId !== undefined) return signsOut ? 'signOut' : 'signedIn';
    if (this.familiar.has(network.key) && this.mayBeSignIn(work)) return 'familiar';
    return light ? 'anonymousKnown' : 'anonymous';
  }

  /** Why callers of this network who are not signed in are refused whatever they ask for, if they are. */
  refusalOf(network: Owner): RateLimitedError | ServiceUnavailableError | undefined {
    const wait = this.budgetWait({ network }, MIN_CHARGE_MS);
    return wait > 0 ? this.refuse({}, 'budget', Math.ceil(wait / 1_000)) : undefined;
  }

  /** A caller of this network who is not signed in sent something wrong, such as a password: others come first for a while. */
  wronged(network: Owner): void {
    this.standing.add(network.group, WRONG_POINTS);
    this.standing.add(network.key, WRONG_POINTS);
  }

  /** Tells what an operation of the document could resolve: from then on it is charged for that. */
  counted(document: string, fields: number): void {
    this.known.counted(document, fields);
  }

  private isLight(work: Work): boolean {
    const { document, bytes } = work;
    return document !== undefined && work.isKnown() && bytes <= MAX_LIGHT_BYTES && this.known.isLight(document);
  }

  private mayBeSignIn({ document, bytes }: Work): boolean {
    const expected = document === undefined ? undefined : this.known.expected(document);
    return bytes <= MAX_SIGN_IN.bytes && (expected ?? 0) <= MAX_SIGN_IN.ms;
  }

  /** ms that are charged at most. */
  private mostCharged({ document, bytes }: Work): number {
    const expected = document === undefined ? undefined : this.known.expected(document);
    return Math.max(MAX_UNEXPECTED_MS, MAX_CORRECTION * (expected ?? bytes * BYTE_MS));
  }

  /** ms until the caller may spend so many. */
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

  private turn(work: Work, lane: Lane): Promise<void> {
    const owner = { group: work.network.group, key: work.accountId ?? work.network.key };
    const refusal = crowded(lane.queue, owner, work);
    if (refusal === 'overload' || (refusal && this.bounded)) throw this.refuse(work, refusal, 1);
    const since = performance.now();
    let wasKnown = false;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const piece: Piece = {
      wanted: () => {
        const refused = this.refusalInTurn(work, performance.now() - since);
        if (refused) reject(refused);
        wasKnown = work.isKnown();
        return !refused;
      },
      start: resolve,
      settle: (ms) => {
        const most = this.mostCharged(work);
        const done = work.document === undefined ? ms : this.known.measured(work.document, ms, wasKnown);
        const all = done + work.bytes * TRANSFER_MS;
        this.charge(work, Math.min(all, most) - MIN_CHARGE_MS);
        this.standing.add(owner.group, all);
        this.standing.add(owner.key, all);
        // Its document was new when it came and has turned out to be light: had it come now, it would not have waited.
        return isOrdinary(work) && this.isLight(work) ? 0 : all;
      },
    };
    this.turns.add(lane, owner, piece, work.bytes);
    return promise;
  }

  /** Why work that has waited is not done after all, if it is not. */
  private refusalInTurn(work: Work, waited: number): RateLimitedError | ServiceUnavailableError | undefined {
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

  private report(registry: Metrics['registry']): void {
    const lanes = Object.values(this.lanes);
    gauges(registry, 'lane', 'tidings_gate_waiting', 'Operations that wait for their turn to be parsed.', () =>
      lanes.map(({ name, queue }) => [name, queue.size]),
    );
    const help = 'CPU time of the event loop that operations behind the gate took so far.';
    gauges(registry, 'lane', 'tidings_gate_busy_seconds', help, () =>
      lanes.map(({ name, busySeconds }) => [name, busySeconds]),
    );
  }
}

/** Whether the work is of an account, which does not only sign out. */
function isOrdinary({ accountId, signsOut }: Work): boolean {
  return accountId !== undefined && !signsOut;
}

/** Why one more entry cannot wait: its owner has too many, or all together have. */
function crowded(queue: Lane['queue'], owner: Owner, { accountId, bytes }: Work): 'waiting' | 'overload' | undefined {
  const most = accountId === undefined ? MAX_ANONYMOUS_WAITING : MAX_ACCOUNT_WAITING;
  if (queue.size >= most.all || queue.bytes + bytes > MAX_WAITING_BYTES.all) return 'overload';
  const own = queue.waitingOf(owner);
  const full = own.key >= most.key || own.group >= most.group || own.bytes + bytes > MAX_WAITING_BYTES.key;
  return full ? 'waiting' : undefined;
}
