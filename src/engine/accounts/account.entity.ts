// The table of accounts. A unique index on the normalized form keeps e-mail addresses unique.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { Role } from '../access/role.js';

export const AccountEntity = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: {
    id: p.uuid().primary(),
    /** As it was typed. */
    email: p.text().nullable(),
    /** The normalized form, see email-address.ts; null for the system account, and for duplicates from before it existed. */
    emailKey: p.text().nullable().hidden(),
    name: p.text(),
    role: p.enum(() => Role),
    /** PHC string of argon2id; null only for the system account. */
    passwordHash: p.text().nullable().hidden(),
    isSystem: p.boolean().default(false),
    disabledAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).defaultRaw('now()'),
  },
});

export type Account = InferEntity<typeof AccountEntity>;
