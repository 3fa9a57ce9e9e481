// Networks from which an account signed in within 30 days: attempts of others do not count there. session.retention.ts deletes
// older ones.
import { Injectable } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { execute } from '../database/unit-of-work.js';
import { FamiliarNetworks } from '../limits/familiar-networks.js';
import { emailKey } from '../mail/email-address.js';

/** Days for which an address stays known after a sign-in. */
export const KNOWN_DAYS = 30;

/** One statement, identical for existing and unknown e-mails. */
const KNOWS = `
select exists (
  select from known_address
   where account_id = (select id from account where email_key = $1)
     and network = $2 and last_at > now() - $3 * interval '1 day') as known`;

const REMEMBER = `
insert into known_address (account_id, network, last_at) values (?, ?, now())
on conflict (account_id, network) do update set last_at = now()`;

@Injectable()
export class KnownAddresses {
  constructor(
    private readonly orm: MikroORM,
    private readonly familiar: FamiliarNetworks,
  ) {}

  /** Also marks the network as familiar, including sign-ins at other instances. */
  async knows(email: string, network: string): Promise<boolean> {
    const values = [emailKey(email), network, KNOWN_DAYS];
    const [row] = await execute<{ known: boolean }>(this.orm.em.fork(), KNOWS, values);
    if (row?.known) this.familiar.add(network);
    return row?.known === true;
  }
}

/** Notes the network in the caller's transaction. A sign-in does so itself. */
export async function rememberIn(em: EntityManager, accountId: string, network: string): Promise<void> {
  await em.execute(REMEMBER, [accountId, network]);
}
