// The table of addresses from which an account has signed in lately.
import { defineEntity, p } from '@mikro-orm/core';

export const KnownAddressEntity = defineEntity({
  name: 'KnownAddress',
  tableName: 'known_address',
  properties: {
    accountId: p.uuid().primary(),
    network: p.text().primary(),
    lastAt: p.datetime(3),
  },
});
