// Loads accounts by id, many in one statement.
import { byId } from '../database/loaders.js';
import { type RowOf, shown } from '../database/shown.js';
import { AccountEntity } from './account.entity.js';

/** Accounts as they are shown: nothing to sign in with. */
export const shownAccount = shown(AccountEntity, 'id', 'name', 'email', 'role', 'disabledAt', 'createdAt');
export type AccountRow = RowOf<typeof shownAccount>;

export const accountById = byId(shownAccount);
