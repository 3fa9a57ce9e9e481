// The tables of reset links: the newest of each account, and those before it that may still be valid. They never hold a token,
// only its SHA-256.
import { defineEntity, p } from '@mikro-orm/core';

export const PasswordResetEntity = defineEntity({
  name: 'PasswordReset',
  tableName: 'password_reset',
  properties: {
    accountId: p.uuid().primary(),
    tokenHash: p.blob().$type<Buffer>().unique(),
    requestedAt: p.datetime(3),
    expiresAt: p.datetime(3),
  },
});

export const EarlierPasswordResetEntity = defineEntity({
  name: 'EarlierPasswordReset',
  tableName: 'password_reset_earlier',
  properties: {
    tokenHash: p.blob().$type<Buffer>().primary(),
    accountId: p.uuid(),
    expiresAt: p.datetime(3),
  },
});
