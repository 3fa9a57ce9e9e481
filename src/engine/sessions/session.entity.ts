// The table of sessions. It holds no token: a refresh token needs the seed in the row and a key outside the database.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type { Transport } from '../access/role.js';

export const SessionEntity = defineEntity({
  name: 'Session',
  tableName: 'session',
  properties: {
    id: p.uuid().primary(),
    accountId: p.uuid(),
    seed: p.blob().$type<Buffer>(),
    generation: p.integer(),
    rotatedAt: p.datetime(3).nullable(),
    transport: p.text().$type<Transport>(),
    address: p.text(),
    userAgent: p.text().nullable(),
    createdAt: p.datetime(3),
    lastUsedAt: p.datetime(3),
    idleExpiresAt: p.datetime(3),
    expiresAt: p.datetime(3),
    endedAt: p.datetime(3).nullable(),
    endReason: p.text().nullable(),
  },
});

export type Session = InferEntity<typeof SessionEntity>;
