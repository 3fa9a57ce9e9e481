// Rate limits as the service uses them: counted, refused with RATE_LIMITED, and told to Prometheus. RATE_LIMITS=off lifts them.
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Counter } from 'prom-client';
import { deriveKey } from '../config/app-secret.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { RateLimitedError } from '../errors/service-error.js';
import { Metrics } from '../operations/metrics.js';
import type { Limit } from './limit.js';
import { LimitCounters } from './limit-counters.js';

@Injectable()
export class Limits implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Limits.name);
  private readonly counters: LimitCounters | undefined;
  private readonly refusals: Counter<'limit'>;

  constructor(@Inject(CONFIG) { rateLimits, redisUrl, appSecrets: [secret] }: Config, { registry }: Metrics) {
    this.refusals = new Counter({
      name: 'tidings_rate_limited_total',
      help: 'Attempts that a rate limit has refused, by limit.',
      labelNames: ['limit'],
      registers: [registry],
    });
    if (!rateLimits || !secret) return;
    this.counters = new LimitCounters({
      redisUrl,
      secret: deriveKey(secret, 'tidings rate limits'),
      onRedisLost: (cause) =>
        this.logger.warn(
          `Redis does not count attempts (${cause}): each instance counts sign-ins by itself until it does`,
        ),
      onRedisBack: () => this.logger.log('Redis counts attempts again'),
    });
  }

  /** Whether attempts are counted at all. */
  get on(): boolean {
    return this.counters !== undefined;
  }

  async onModuleInit(): Promise<void> {
    await this.counters?.open();
  }

  onApplicationShutdown(): void {
    this.counters?.close();
  }

  /** Counts one attempt of `key`. Throws {@link RateLimitedError}. */
  async take(limit: Limit, key: string): Promise<void> {
    const wait = (await this.counters?.take(limit, key)) ?? 0;
    if (wait > 0) throw this.refusal(limit, wait);
  }

  /** Throws what {@link take} would, without counting. */
  async check(limit: Limit, key: string): Promise<void> {
    const wait = (await this.counters?.peek(limit, key)) ?? 0;
    if (wait > 0) throw this.refusal(limit, wait);
  }

  /** As if the attempt had not been made. */
  async giveBack(limit: Limit, key: string): Promise<void> {
    await this.counters?.giveBack(limit, key);
  }

  /** The error to answer, counted as a refusal. `wait` in ms. */
  refusal({ name }: Limit, wait: number): RateLimitedError {
    this.refusals.inc({ limit: name });
    return new RateLimitedError(Math.ceil(wait / 1_000) || 1);
  }
}
