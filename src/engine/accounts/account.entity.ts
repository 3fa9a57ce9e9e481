// The table of accounts. E-mail addresses are unique by the form in which they are compared, held by the database.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { Role } from '../access/role.js';

export const AccountEntity = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: {
    id: p.uuid().primary(),
    /** As it was typed. */
    email: p.text().nullable(),
    /** The form in which it is compared, see email-address.ts; null for the system account, and for what came second before there was one. */
    emailKey: p.text().nullable().hidden(),
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
