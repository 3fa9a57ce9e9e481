// Accounts by id, many in one statement.
import { inKeyOrder, Loader } from '../database/loaders.js';
import { type Account, AccountEntity } from './account.entity.js';

export const accountById = new Loader<string, Account | undefined>(async (em, ids) => {
  const accounts = await em.find(AccountEntity, { id: { $in: [...ids] } });
  return inKeyOrder(ids, accounts, (account) => account.id);
});
