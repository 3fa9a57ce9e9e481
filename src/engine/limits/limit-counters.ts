// Counts attempts: in Redis for all instances; in memory without Redis, or while it does not answer.
import { createHmac } from 'node:crypto';
import type { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { redisClient } from '../pubsub/redis-client.js';
import type { Limit } from './limit.js';
import { LocalCounters } from './local-counters.js';

export interface CounterOptions {
  readonly redisUrl: string | undefined;
  /** Begins all keys in Redis. */
  readonly prefix: string;
  /** Keys are stored as MACs, so Redis contains no address or e-mail, and installations that share it do not collide. */
  readonly secret: Buffer;
  /** Called when Redis becomes unavailable or refuses to count. */
  onRedisLost(cause: string): void;
  /** Called when it counts again. */
  onRedisBack?(): void;
}

/** Time-out of Redis in ms; then the attempt is counted in memory. */
const REDIS_TIMEOUT_MS = 500;
/** ms for which Redis is not asked after a time-out, so that requests do not pile up. */
const REDIS_BACKOFF_MS = 2_000;

export class LimitCounters {
  private readonly redis: Redis | undefined;
  private readonly local = new LocalCounters();
  private readonly shared = new Map<string, RateLimiterRedis>();
  private isLost = false;
  private failedAt = 0;
  private closed = false;
  /** Until then, on the clock of `performance`, Redis is not asked. */
  private backoffUntil = 0;

  constructor(private readonly options: CounterOptions) {
    this.redis = options.redisUrl === undefined ? undefined : this.connect(options.redisUrl);
  }

  /** Resolves when the first connection succeeded or failed; failed ones are retried. */
  async open(): Promise<void> {
    await this.redis?.connect().catch(() => undefined);
  }

  /** Counts one attempt of `key`: 0 if it is allowed, otherwise the ms until the next one is. */
  consume(limit: Limit, key: string): Promise<number> {
    const shared = async (counter: RateLimiterRedis, macOf: string): Promise<number> => {
      const { consumedPoints, msBeforeNext } = await counter.consume(macOf).catch(consumedOf);
      return consumedPoints > limit.points ? Math.max(msBeforeNext, 1) : 0;
    };
    return this.ask(limit, key, shared, (masked) => this.local.consume(limit, masked));
  }

  /** The result of {@link consume}, without counting. */
  peek(limit: Limit, key: string): Promise<number> {
    const shared = async (counter: RateLimiterRedis, masked: string): Promise<number> => {
      const recovered = await counter.get(masked);
      return recovered && recovered.consumedPoints >= limit.points ? Math.max(recovered.msBeforeNext, 1) : 0;
    };
    return this.ask(limit, key, shared, (masked) => this.local.peek(limit, masked));
  }

  /** Reverts an attempt. */
  async refund(limit: Limit, key: string): Promise<void> {
    await this.ask(limit, key, reward, (masked) => this.local.refund(limit, masked));
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
    if (!counter || performance.now() < this.backoffUntil) return local(masked);
    try {
      const answer = await shared(counter, masked);
      this.found();
      return answer;
    } catch (error) {
      // An error response (no permission, a replica, a cluster, loading) means that it does not count.
      // Without a connection, the connection error is the reason.
      if (this.redis?.status === 'ready') this.lost(error instanceof Error ? error.message : String(error));
      this.backoffUntil = performance.now() + REDIS_BACKOFF_MS;
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
    // Intermittent responses do not mean that it is back.
    if (!this.isLost || performance.now() - this.failedAt < REDIS_BACKOFF_MS) return;
    this.isLost = false;
    this.options.onRedisBack?.();
  }

  private counter({ name, points, seconds }: Limit): RateLimiterRedis | undefined {
    const { redis: storeClient } = this;
    if (!storeClient) return undefined;
    const settings = {
      keyPrefix: `${this.options.prefix}:${name}`,
      points,
      duration: seconds,
      rejectIfRedisNotReady: true,
    };
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
      commandTimeout: REDIS_TIMEOUT_MS,
    });
    client.on('ready', () => {
      this.backoffUntil = 0;
    });
    client.on('error', (error: NodeJS.ErrnoException) => this.lost(error.message || error.code));
    client.on('close', () => this.lost('connection closed'));
    return client;
  }
}

async function reward(counter: RateLimiterRedis, key: string): Promise<void> {
  await counter.reward(key);
}

/** Thrown by the library when the limit is exceeded. */
function consumedOf(refused: unknown): RateLimiterRes {
  if (refused instanceof RateLimiterRes) return refused;
  throw refused;
}
