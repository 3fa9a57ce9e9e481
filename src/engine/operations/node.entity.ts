// The tables of living instances and of what each of them holds open. `NodeRegistry` alone reads and writes them.
import { defineEntity, p } from '@mikro-orm/core';

export const NodeEntity = defineEntity({
  name: 'Node',
  tableName: 'node',
  properties: {
    id: p.uuid().primary(),
    seenAt: p.datetime(3),
  },
});

export const NodeEntryEntity = defineEntity({
  name: 'NodeEntry',
  tableName: 'node_entry',
  properties: {
    nodeId: p.uuid().primary(),
    number: p.bigint('number').primary(),
    topic: p.text(),
    key: p.text(),
    since: p.datetime(3),
    facts: p.json<Record<string, unknown>>(),
  },
});
