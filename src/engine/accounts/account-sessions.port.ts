// Port: what administration needs of sessions, which know accounts and not the other way round.
import type { LoggedTransaction } from '../events/event-log.js';

export interface AccountSessions {
  /** Ends every live session of the account in `tx`, which has locked its row, for good. Returns their ids. */
  endAllLocked(
    tx: LoggedTransaction,
    accountId: string,
    kept: string | undefined,
    reason: 'DISABLED' | 'PASSWORD_RESET' | 'REVOKED',
    actorId: string,
  ): Promise<readonly string[]>;
}

export const ACCOUNT_SESSIONS = Symbol('AccountSessions');
