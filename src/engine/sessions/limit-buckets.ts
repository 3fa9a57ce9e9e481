// Where tries are counted: in Redis for all instances, in this process without one, or while it is away.
import { createHmac } from 'node:crypto';
import { Redis } from 'ioredis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Limit } from './limits.js';

export interface BucketOptions<Name extends string> {
  readonly limits: Readonly<Record<Name, Limit>>;
  readonly redisUrl: string | undefined;
  /** Keys are stored as MACs: no address and no e-mail lies in Redis, and installations that share one stay apart. */
  readonly secret: Buffer;
  /** Told when Redis goes away, once each time. */
  onRedisLost(): void;
}

/** ms that a try waits for Redis: beyond that it is counted here. */
const REDIS_PATIENCE_MS = 500;

export class LimitBuckets<Name extends string> {
  private readonly redis: Redis | undefined;
  private readonly limiters: ReadonlyMap<Name, RateLimiterAbstract>;
  private reported = false;

  constructor(private readonly options: BucketOptions<Name>) {
    this.redis = options.redisUrl === undefined ? undefined : this.connect(options.redisUrl);
    const entries = Object.entries<Limit>(options.limits) as [Name, Limit][];
    this.limiters = new Map(entries.map(([name, limit]) => [name, this.limiter(name, limit)]));
  }

  /** Resolves when Redis answers, or when it is clear that it does not; it is tried again from then on. */
  async open(): Promise<void> {
    await this.redis?.connect().catch(() => undefined);
  }

  /** Counts one try of `key`: 0 if it is allowed, else the ms until the next one is. */
  async take(name: Name, key: string): Promise<number> {
    try {
      await this.limiters.get(name)?.consume(this.masked(key));
      return 0;
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return Math.max(refused.msBeforeNext, 1);
      throw refused;
    }
  }

  /** As if the try had not been made. */
  async giveBack(name: Name, key: string): Promise<void> {
    await this.limiters.get(name)?.reward(this.masked(key));
  }

  close(): void {
    this.redis?.disconnect();
  }

  private masked(key: string): string {
    return createHmac('sha256', this.options.secret).update(key).digest('base64url').slice(0, 22);
  }

  private limiter(name: string, { points, seconds }: Limit): RateLimiterAbstract {
    const settings = { keyPrefix: `tidings:${name}`, points, duration: seconds };
    if (!this.redis) return new RateLimiterMemory(settings);
    return new RateLimiterRedis({
      ...settings,
      storeClient: this.redis,
      rejectIfRedisNotReady: true,
      insuranceLimiter: new RateLimiterMemory(settings),
    });
  }

  private connect(url: string): Redis {
    const client = new Redis(url, {
      lazyConnect: true,
      retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      disableClientInfo: true,
      connectTimeout: 1_000,
      commandTimeout: REDIS_PATIENCE_MS,
      disconnectTimeout: 100,
    });
    client.on('ready', () => (this.reported = false));
    client.on('error', () => {
      if (!this.reported) this.options.onRedisLost();
      this.reported = true;
    });
    return client;
  }
}
