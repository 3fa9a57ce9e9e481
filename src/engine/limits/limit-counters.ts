// Where attempts are counted: in Redis for all instances, in this process without one, or while it does not answer.
import { createHmac } from 'node:crypto';
import type { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { redisClient } from '../pubsub/redis-client.js';
import type { Limit } from './limit.js';
import { LocalCounters } from './local-counters.js';

export interface CounterOptions {
  readonly redisUrl: string | undefined;
  /** Keys are stored as MACs: no address and no e-mail lies in Redis, and installations that share one stay apart. */
  readonly secret: Buffer;
  /** Told when Redis goes away or refuses to count, once each time. */
  onRedisLost(cause: string): void;
  /** Told when it counts again. */
  onRedisBack?(): void;
}

/** ms that an attempt waits for Redis: beyond that it is counted here. */
const REDIS_PATIENCE_MS = 500;
/** ms for which Redis is not asked again after it has not answered: waiting requests would pile up. */
const REDIS_REST_MS = 2_000;

export class LimitCounters {
  private readonly redis: Redis | undefined;
  private readonly local = new LocalCounters();
  private readonly shared = new Map<string, RateLimiterRedis>();
  private isLost = false;
  private failedAt = 0;
  private closed = false;
  /** Until then, on the clock of `performance`, Redis is not asked. */
  private restsUntil = 0;

  constructor(private readonly options: CounterOptions) {
    this.redis = options.redisUrl === undefined ? undefined : this.connect(options.redisUrl);
  }

  /** Resolves when Redis answers, or when it is clear that it does not; it is tried again from then on. */
  async open(): Promise<void> {
    await this.redis?.connect().catch(() => undefined);
  }

  /** Counts one attempt of `key`: 0 if it is allowed, else the ms until the next one is. */
  take(limit: Limit, key: string): Promise<number> {
    const shared = async (counter: RateLimiterRedis, masked: string): Promise<number> => {
      const { consumedPoints, msBeforeNext } = await counter.consume(masked).catch(theRefusal);
      return consumedPoints > limit.points ? Math.max(msBeforeNext, 1) : 0;
    };
    return this.ask(limit, key, shared, (masked) => this.local.take(limit, masked));
  }

  /** What {@link take} would answer, without counting. */
  peek(limit: Limit, key: string): Promise<number> {
    const shared = async (counter: RateLimiterRedis, masked: string): Promise<number> => {
      const found = await counter.get(masked);
      return found && found.consumedPoints >= limit.points ? Math.max(found.msBeforeNext, 1) : 0;
    };
    return this.ask(limit, key, shared, (masked) => this.local.peek(limit, masked));
  }

  /** As if the attempt had not been made. */
  async giveBack(limit: Limit, key: string): Promise<void> {
    await this.ask(limit, key, reward, (masked) => this.local.giveBack(limit, masked));
  }

  close(): void {
    this.closed = true;
    this.redis?.disconnect();
  }

  private async ask<T>(
    limit: Limit,
    key: string,
    shared: (counter: RateLimiterRedis, key: string) => Promise<T>,
    local: (key: string) => T,
  ): Promise<T> {
    const masked = this.masked(key);
    const counter = this.counter(limit);
    if (!counter || performance.now() < this.restsUntil) return local(masked);
    try {
      const answer = await shared(counter, masked);
      this.found();
      return answer;
    } catch (error) {
      // Answered with an error (no right, a replica, a cluster, still loading), it counts no more than one that is away.
      // While there is no connection, the failure to make one says why.
      if (this.redis?.status === 'ready') this.lost(error instanceof Error ? error.message : String(error));
      this.restsUntil = performance.now() + REDIS_REST_MS;
      return local(masked);
    }
  }

  private lost(cause = 'unknown'): void {
    this.failedAt = performance.now();
    if (this.isLost || this.closed) return;
    this.isLost = true;
    this.options.onRedisLost(cause);
  }

  private found(): void {
    // One that answers now and then is not back.
    if (!this.isLost || performance.now() - this.failedAt < REDIS_REST_MS) return;
    this.isLost = false;
    this.options.onRedisBack?.();
  }

  private counter({ name, points, seconds }: Limit): RateLimiterRedis | undefined {
    const { redis: storeClient } = this;
    if (!storeClient) return undefined;
    const settings = { keyPrefix: `tidings:${name}`, points, duration: seconds, rejectIfRedisNotReady: true };
    const counter = this.shared.get(name) ?? new RateLimiterRedis({ ...settings, storeClient });
    this.shared.set(name, counter);
    return counter;
  }

  private masked(key: string): string {
    return createHmac('sha256', this.options.secret).update(key).digest('base64url').slice(0, 22);
  }

  private connect(url: string): Redis {
    const client = redisClient(url, {
      retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
      maxRetriesPerRequest: 1,
      connectTimeout: 1_000,
      commandTimeout: REDIS_PATIENCE_MS,
    });
    client.on('ready', () => {
      this.restsUntil = 0;
    });
    client.on('error', (error: NodeJS.ErrnoException) => this.lost(error.message || error.code));
    client.on('close', () => this.lost('connection closed'));
    return client;
  }
}

async function reward(counter: RateLimiterRedis, key: string): Promise<void> {
  await counter.reward(key);
}

/** What the library throws when there were too many. */
function theRefusal(refused: unknown): RateLimiterRes {
  if (refused instanceof RateLimiterRes) return refused;
  throw refused;
}
