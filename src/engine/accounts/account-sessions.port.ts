// Port: session operations that account administration needs. Sessions depend on accounts, not vice versa.
import type { LoggedTransaction } from '../events/event-log.js';

export interface AccountSessions {
  /** Ends every live session of the account in `tx`, which has locked its row. Returns their ids. */
  endAllLocked(
    tx: LoggedTransaction,
    accountId: string,
    kept: string | undefined,
    reason: 'DISABLED' | 'PASSWORD_RESET' | 'REVOKED',
    actorId: string,
  ): Promise<readonly string[]>;
}

export const ACCOUNT_SESSIONS = Symbol('AccountSessions');
