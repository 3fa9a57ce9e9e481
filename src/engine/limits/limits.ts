// Rate limits: count, refuse with RATE_LIMITED, and report to Prometheus. RATE_LIMITS=off disables them.
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { deriveKey } from '../config/app-secret.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { RateLimitedError } from '../errors/service-error.js';
import { Metrics } from '../monitoring/metrics.js';
import type { Limit } from './limit.js';
import { LimitCounters } from './limit-counters.js';

@Injectable()
export class Limits implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Limits.name);
  private readonly counters: LimitCounters | undefined;
  private readonly refusals: Counter<'limit'>;

  constructor(@Inject(CONFIG) { service, rateLimits, redisUrl, appSecrets: [secret] }: Config, metrics: Metrics) {
    this.refusals = metrics.counter('rate_limited_total', 'Attempts refused by a rate limit.', 'limit');
    if (!rateLimits || !secret) return;
    this.counters = new LimitCounters({
      redisUrl,
      prefix: service.prefix,
      secret: deriveKey(secret, `${service.prefix} rate limits`),
      onRedisLost: (cause) =>
        this.logger.warn(
          `Redis does not count attempts (${cause}): each instance counts sign-ins by itself until it does`,
        ),
      onRedisBack: () => this.logger.log('Redis counts attempts again'),
    });
  }

  /** Whether attempts are counted. */
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
  async consume(limit: Limit, key: string): Promise<void> {
    const wait = (await this.counters?.consume(limit, key)) ?? 0;
    if (wait > 0) throw this.refusal(limit, wait);
  }

  /** Throws like {@link consume}, without counting. */
  async check(limit: Limit, key: string): Promise<void> {
    const wait = (await this.counters?.peek(limit, key)) ?? 0;
    if (wait > 0) throw this.refusal(limit, wait);
  }

  /** Reverts an attempt. */
  async refund(limit: Limit, key: string): Promise<void> {
    await this.counters?.refund(limit, key);
  }

  /** The error for a refusal, which is counted. `wait` in ms. */
  refusal({ name }: Limit, wait: number): RateLimitedError {
    this.refusals.inc({ limit: name });
    return new RateLimitedError(Math.ceil(wait / 1_000) || 1);
  }
}
