// Which counters an attempt is counted by. Strangers share one per e-mail, existing or not; a network that the account knows has
// its own there, and in it neither strangers nor its neighbours count. What proves itself, a genuine refresh token or a valid reset
// link, is never refused because of what others sent from the same network: nobody is locked out by somebody else.
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
import type { Attempt, FieldLimits, LimitName } from '../graphql/field-limits.port.js';
import { AccountBudget } from '../limits/account-budget.js';
import { networkOf, siteOf } from '../limits/client-network.js';
import type { AccountLimit, Limit } from '../limits/limit.js';
import { Limits } from '../limits/limits.js';
import { emailKey } from '../operations/email-address.js';
import { KnownAddresses } from './known-addresses.js';
import { RefreshTokens } from './refresh-tokens.js';
import { registrations, SIGN_IN_LIMITS as LIMITS } from './sign-in-limit-table.js';

type Key = readonly [Limit, string];
type Args = Readonly<Record<string, unknown>>;

/** What one attempt counts, and when. */
interface Plan {
  /** Counted before the attempt. */
  readonly attempts?: readonly Key[];
  /** Looked at before, counted when the attempt succeeded. */
  readonly successes?: readonly Key[];
  /** Counted when it failed. */
  readonly failures?: readonly Key[];
  /** What succeeds does not count as an attempt. */
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
        if (plan.onlyFailed) for (const key of plan.attempts ?? []) await this.limits.giveBack(...key);
        // It was allowed: that it is the last one for now is the next one's concern.
        for (const key of plan.successes ?? []) await this.limits.take(...key).catch(() => {});
        const { principal, client } = context;
        if ((limit === 'login' || limit === 'register') && principal) {
          await this.known.remember(principal.accountId, networkOf(client.address));
        }
      },
      failed: async (error) => {
        // Nobody looked at the password.
        const unseen = error instanceof RateLimitedError || error instanceof ServiceUnavailableError;
        if (unseen) for (const key of plan.attempts ?? []) await this.limits.giveBack(...key);
        if (!(error instanceof UnauthenticatedError || error instanceof BadUserInputError)) return;
        for (const key of plan.failures ?? []) await this.limits.take(...key);
      },
    };
  }

  /** Counts all of them or, if one refuses, none: what is refused was no attempt. */
  private async takeAll(keys: readonly Key[]): Promise<void> {
    const taken: Key[] = [];
    try {
      for (const key of keys) {
        taken.push(key);
        await this.limits.take(...key);
      }
    } catch (error) {
      for (const key of taken) await this.limits.giveBack(...key);
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
    // Not waited for: there may be very many of them.
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

  /** Where the account has signed in from, nothing that neighbours ask for keeps its owner waiting. */
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
    // Whoever knows a session's id may send rubbish in its name: that must not count against its owner elsewhere.
    const attempts: Key[] = session ? [[LIMITS['refresh: session'], `${session} ${network}`]] : [];
    return { attempts, failures: [[LIMITS['refresh: network'], network]] };
  }
}

function planOf(limit: AccountLimit, { viewer }: OperationContext): Plan {
  return { attempts: [[limit, viewer.accountId]], onlyFailed: limit.counts === 'failures' };
}

/** As accounts are told apart. */
function emailIn({ input, email }: Args): string {
  const given = email ?? (input as { email?: unknown } | undefined)?.email;
  return emailKey(typeof given === 'string' ? given : '');
}
