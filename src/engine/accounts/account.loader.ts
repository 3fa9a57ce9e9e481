// Loads accounts by id, many in one statement.
import { byId } from '../database/loaders.js';
import { AccountEntity } from './account.entity.js';

export const accountById = byId(AccountEntity);
