// The table of accounts. E-mails are unique without regard to case, held by the database.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { Role } from '../access/role.js';

export const AccountEntity = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: {
    id: p.uuid().primary(),
    email: p.text().nullable(),
    name: p.text(),
    role: p.enum(() => Role),
    /** PHC string of argon2id; null for the system account alone. */
    passwordHash: p.text().nullable().hidden(),
    isSystem: p.boolean().default(false),
    disabledAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).defaultRaw('now()'),
  },
});

export type Account = InferEntity<typeof AccountEntity>;
