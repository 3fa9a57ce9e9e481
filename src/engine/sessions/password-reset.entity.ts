// The table of reset tokens: the newest of each account. It never holds a token, only what recognises one.
import { defineEntity, p } from '@mikro-orm/core';

export const PasswordResetEntity = defineEntity({
  name: 'PasswordReset',
  tableName: 'password_reset',
  properties: {
    accountId: p.uuid().primary(),
    /** SHA-256 of the token. */
    tokenHash: p.blob().$type<Buffer>().unique(),
    requestedAt: p.datetime(3),
    expiresAt: p.datetime(3),
  },
});
