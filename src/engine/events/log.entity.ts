// The log's tables as the ORM sees them. Rows are inserted by `append` alone and never changed.
import { defineEntity, p } from '@mikro-orm/core';

export const EventEntity = defineEntity({
  name: 'Event',
  tableName: 'event',
  properties: {
    partition: p.smallint().primary(),
    pos: p.bigint('number').primary(),
    resourceKind: p.text(),
    resourceId: p.uuid(),
    seq: p.bigint('number'),
    kind: p.text(),
    actorId: p.uuid(),
    sessionId: p.uuid().nullable(),
    facts: p.json<Record<string, unknown>>(),
    at: p.datetime(3),
    nonce: p.blob(),
  },
});

export const LogHeadEntity = defineEntity({
  name: 'LogHead',
  tableName: 'log_head',
  properties: {
    partition: p.smallint().primary(),
    pos: p.bigint('number'),
    nonce: p.blob(),
    genesis: p.blob(),
  },
});

/** The last `seq` given for each resource. */
export const LogCounterEntity = defineEntity({
  name: 'LogCounter',
  tableName: 'log_counter',
  properties: {
    resourceKind: p.text().primary(),
    resourceId: p.uuid().primary(),
    seq: p.bigint('number'),
  },
});
