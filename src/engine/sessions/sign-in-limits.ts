// Decides which counters an attempt uses. Unknown networks share one counter per e-mail, existing or not; a known network has its
// own. Genuine refresh tokens and valid reset links are never refused because of invalid ones from the same network, so nobody can
// lock out an account.
import { Inject, Injectable } from '@nestjs/common';
import type { OperationContext } from '../access/operation-context.js';
import { AuditTrail } from '../audit/audit-trail.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import {
  BadUserInputError,
  RateLimitedError,
  ServiceUnavailableError,
  UnauthenticatedError,
} from '../errors/service-error.js';
import type { Attempt, FieldLimits, LimitName } from '../graphql/schema/field-limits.port.js';
import { AccountBudget } from '../limits/account-budget.js';
import { networkOf, siteOf } from '../limits/client-network.js';
import type { AccountLimit, Limit } from '../limits/limit.js';
import { Limits } from '../limits/limits.js';
import { emailKey } from '../mail/email-address.js';
import { KnownAddresses } from './known-addresses.js';
import { RefreshTokens } from './refresh-tokens.js';
import { registrations, SIGN_IN_LIMITS as LIMITS } from './sign-in-limit-table.js';

type Key = readonly [Limit, string];
type Args = Readonly<Record<string, unknown>>;

/** What an attempt counts, and when. */
interface Plan {
  /** Counted before the attempt. */
  readonly attempts?: readonly Key[];
  /** Checked before, counted when the attempt succeeded. */
  readonly successes?: readonly Key[];
  /** Counted when it failed. */
  readonly failures?: readonly Key[];
  /** Successes do not count. */
  readonly onlyFailed?: boolean;
}

const NOTHING: Attempt = { succeeded: () => Promise.resolve(), failed: () => Promise.resolve() };

@Injectable()
export class SignInLimits implements FieldLimits {
  private readonly registrations: Limit;

  constructor(
    private readonly limits: Limits,
    private readonly budget: AccountBudget,
    private readonly known: KnownAddresses,
    private readonly refreshTokens: RefreshTokens,
    private readonly audit: AuditTrail,
    @Inject(CONFIG) { registrationsPerHour }: Config,
  ) {
    this.registrations = registrations(registrationsPerHour);
  }

  async take(limit: LimitName | AccountLimit, context: OperationContext, args: Args): Promise<Attempt> {
    if (!this.limits.on) return NOTHING;
    const plan = typeof limit === 'string' ? await this.planOf(limit, context, args) : planOf(limit, context);
    for (const key of plan.successes ?? []) await this.limits.check(...key);
    await this.takeAll(plan.attempts ?? []);
    return {
      succeeded: async () => {
        if (plan.onlyFailed) for (const key of plan.attempts ?? []) await this.limits.refund(...key);
        // This attempt was allowed: exhaustion affects the next one.
        for (const key of plan.successes ?? []) await this.limits.consume(...key).catch(() => {});
      },
      failed: async (error) => {
        // The password was not verified.
        const unseen = error instanceof RateLimitedError || error instanceof ServiceUnavailableError;
        if (unseen) for (const key of plan.attempts ?? []) await this.limits.refund(...key);
        if (!(error instanceof UnauthenticatedError || error instanceof BadUserInputError)) return;
        for (const key of plan.failures ?? []) await this.limits.consume(...key);
      },
    };
  }

  /** Counts all of them or, if one refuses, none: a refused attempt does not count. */
  private async takeAll(keys: readonly Key[]): Promise<void> {
    const taken: Key[] = [];
    try {
      for (const key of keys) {
        taken.push(key);
        await this.limits.consume(...key);
      }
    } catch (error) {
      for (const key of taken) await this.limits.refund(...key);
      throw error;
    }
  }

  write(accountId: string): void {
    this.budget.write(accountId);
  }

  operation(accountId: string): RateLimitedError | undefined {
    return this.charge(accountId, 1);
  }

  rootFields(accountId: string, { length }: readonly unknown[]): RateLimitedError | undefined {
    return length > 1 ? this.charge(accountId, length - 1) : undefined;
  }

  private charge(accountId: string, rootFields: number): RateLimitedError | undefined {
    const refused = this.budget.operation(accountId, rootFields);
    const entry = { action: 'OPERATION_REFUSED', outcome: 'REFUSED', actorId: accountId } as const;
    // Not awaited: there may be very many.
    if (refused) void this.audit.recordRepeatable({ ...entry, details: { reason: 'RATE_LIMITED' } });
    return refused;
  }

  private async planOf(limit: LimitName, context: OperationContext, args: Args): Promise<Plan> {
    const { address } = context.client;
    const [network, site] = [networkOf(address), siteOf(address)];
    const plans: Readonly<Record<LimitName, () => Plan | Promise<Plan>>> = {
      login: () => this.planOfLogin(network, site, emailIn(args)),
      register: () => ({
        attempts: [
          [LIMITS['register: network'], network],
          [LIMITS['register: site'], site],
          [this.registrations, ''],
        ],
      }),
      refresh: () => this.planOfToken(network, context, args),
      logout: () => (context.principal ? {} : this.planOfToken(network, context, args)),
      requestPasswordReset: () => this.planOfRequest(network, site, emailIn(args)),
      resetPassword: () => ({ failures: [[LIMITS['resetPassword: network'], network]] }),
      changePassword: () => ({
        attempts: [[LIMITS['changePassword: session'], context.viewer.sessionId]],
        onlyFailed: true,
      }),
    };
    return plans[limit]();
  }

  private async planOfLogin(network: string, site: string, email: string): Promise<Plan> {
    const known: Key[] = [[LIMITS['login: known network'], `${email} ${network}`]];
    const strange: Key[] = [
      [LIMITS['login: network'], network],
      [LIMITS['login: site'], site],
      [LIMITS['login: e-mail'], email],
    ];
    const attempts = (await this.known.knows(email, network)) ? known : strange;
    return { attempts, onlyFailed: true, successes: [[LIMITS['login: sessions'], email]] };
  }

  /** In a known network, requests of others do not block the owner. */
  private async planOfRequest(network: string, site: string, email: string): Promise<Plan> {
    if (await this.known.knows(email, network)) return {};
    return {
      attempts: [
        [LIMITS['requestPasswordReset: network'], network],
        [LIMITS['requestPasswordReset: site'], site],
      ],
    };
  }

  private planOfToken(network: string, { cookies }: OperationContext, args: Args): Plan {
    const token = args['refreshToken'] ?? cookies.refreshToken;
    const session = typeof token === 'string' ? this.refreshTokens.parse(token)?.sessionId : undefined;
    // Session ids are not secret: invalid tokens must not count against the owner in other networks.
    const attempts: Key[] = session ? [[LIMITS['refresh: session'], `${session} ${network}`]] : [];
    return { attempts, failures: [[LIMITS['refresh: network'], network]] };
  }
}

function planOf(limit: AccountLimit, { viewer }: OperationContext): Plan {
  return { attempts: [[limit, viewer.accountId]], onlyFailed: limit.counts === 'failures' };
}

/** Normalized like account e-mails. */
function emailIn({ input, email }: Args): string {
  const given = email ?? (input as { email?: unknown } | undefined)?.email;
  return emailKey(typeof given === 'string' ? given : '');
}
