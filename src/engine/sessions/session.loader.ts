// The open sessions of accounts, of many accounts in one statement.
import { Loader } from '../database/loaders.js';
import { type Session, SessionEntity } from './session.entity.js';

/** Sessions that are read for one account; more than that is not a list for people. */
const MOST = 500;

/** Sessions of an account that have neither ended nor expired, the latest used first. */
export const openSessionsOf = new Loader<string, Session[]>(async (em, accountIds) => {
  const now = new Date();
  const where = {
    accountId: { $in: [...accountIds] },
    endedAt: null,
    expiresAt: { $gt: now },
    idleExpiresAt: { $gt: now },
  };
  const sessions = await em.find(SessionEntity, where, {
    orderBy: { lastUsedAt: 'desc', id: 'desc' },
    limit: MOST * accountIds.length,
  });
  return accountIds.map((accountId) => sessions.filter((session) => session.accountId === accountId));
});
