// Which buckets a try is counted in. Strangers share one bucket per e-mail, existing or not; an address that the account knows
// has its own there, and in it neither strangers nor its neighbours count: nobody can be locked out by somebody else.
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { OperationContext } from '../access/operation-context.js';
import { deriveKey } from '../config/app-secret.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { RateLimitedError } from '../errors/service-error.js';
import { networkOf } from '../graphql/client-network.js';
import type { FieldLimits, LimitName, Settle } from '../graphql/field-limits.port.js';
import { KnownAddresses } from './known-addresses.js';
import { LimitBuckets } from './limit-buckets.js';
import { type BucketName, LIMITS, OPERATIONS } from './limits.js';
import { RefreshTokens } from './refresh-tokens.js';

type Key = readonly [BucketName, string];
type Args = Readonly<Record<string, unknown>>;

const NOTHING: Settle = () => Promise.resolve();

@Injectable()
export class SignInLimits implements FieldLimits, OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(SignInLimits.name);
  private readonly buckets: LimitBuckets<BucketName> | undefined;
  private readonly operations = new RateLimiterMemory({ points: OPERATIONS.points, duration: OPERATIONS.seconds });

  constructor(
    private readonly known: KnownAddresses,
    private readonly refreshTokens: RefreshTokens,
    @Inject(CONFIG) { rateLimits, redisUrl, appSecrets: [secret] }: Config,
  ) {
    if (!rateLimits || !secret) return;
    this.buckets = new LimitBuckets({
      limits: LIMITS,
      redisUrl,
      secret: deriveKey(secret, 'tidings rate limits'),
      onRedisLost: () => this.logger.warn('Redis is away: each instance counts sign-ins by itself until it is back'),
    });
  }

  async onModuleInit(): Promise<void> {
    await this.buckets?.open();
  }

  onApplicationShutdown(): void {
    this.buckets?.close();
  }

  async take(limit: LimitName, context: OperationContext, args: Args): Promise<Settle> {
    const { buckets } = this;
    if (!buckets) return NOTHING;
    const network = networkOf(context.client.address);
    const keys = await this.keysOf(limit, network, context, args);
    for (const [name, key] of keys) {
      const wait = await buckets.take(name, key);
      if (wait > 0) throw new RateLimitedError(Math.ceil(wait / 1_000));
    }
    return () => this.succeeded(limit, network, context, keys);
  }

  async operation(accountId: string): Promise<RateLimitedError | undefined> {
    if (!this.buckets) return undefined;
    try {
      await this.operations.consume(accountId);
      return undefined;
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return new RateLimitedError(Math.ceil(refused.msBeforeNext / 1_000) || 1);
      throw refused;
    }
  }

  private async keysOf(
    limit: LimitName,
    network: string,
    context: OperationContext,
    args: Args,
  ): Promise<readonly Key[]> {
    if (limit === 'login' || limit === 'requestPasswordReset') return this.keysOfEmail(limit, network, emailIn(args));
    if (limit === 'changePassword' || limit === 'takeName') return [[`${limit}: account`, context.viewer.accountId]];
    if (limit === 'logout' && context.principal) return [];
    if (limit !== 'refresh' && limit !== 'logout') return [[`${limit}: address`, network]];
    const token = args['refreshToken'] ?? context.cookies.refreshToken;
    const session = typeof token === 'string' ? this.refreshTokens.parse(token)?.sessionId : undefined;
    // Whoever knows a session's id may send rubbish in its name: that must not count against its owner elsewhere.
    const own: Key[] = session ? [['refresh: session', `${session} ${network}`]] : [];
    return [...own, ['refresh: address', network]];
  }

  private async keysOfEmail(
    limit: 'login' | 'requestPasswordReset',
    network: string,
    email: string,
  ): Promise<readonly Key[]> {
    if (await this.known.knows(email, network)) return [[`${limit}: known address`, `${email} ${network}`]];
    return [
      [`${limit}: address`, network],
      [`${limit}: e-mail`, email],
    ];
  }

  /** What succeeds without telling a secret is not counted. Signing in makes the address known. */
  private async succeeded(
    limit: LimitName,
    network: string,
    { principal }: OperationContext,
    keys: readonly Key[],
  ): Promise<void> {
    if (limit === 'login' || limit === 'changePassword' || limit === 'takeName') {
      for (const [name, key] of keys) await this.buckets?.giveBack(name, key);
    }
    if ((limit === 'login' || limit === 'register') && principal) {
      await this.known.remember(principal.accountId, network);
    }
  }
}

/** As accounts are told apart: without regard to case. */
function emailIn({ input, email }: Args): string {
  const given = email ?? (input as { email?: unknown } | undefined)?.email;
  return (typeof given === 'string' ? given : '').normalize('NFC').trim().toLowerCase();
}
