// The three accounts whose password everyone knows. They are told by their fixed ids, never by an e-mail address:
// an account that a person registered is nobody's demo.
import { SYSTEM_ACCOUNT_ID } from '../engine/database/migrations/20261121000001-engine.js';
import { ACCOUNT_DISABLED, ACCOUNT_ENABLED, ACCOUNT_RESOURCE } from '../engine/access/rights.js';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Role } from '../engine/access/role.js';
import type { LoggedTransaction } from '../engine/events/event-log.js';
import type { EndReason } from '../engine/sessions/session.service.js';
import { SESSIONS_ENDED } from '../engine/sessions/session-cache.js';

/** UUIDv7 of a time before any that the demo tells of, so that the accounts sort as the first three. */
export const DEMO_ACCOUNT_IDS = {
  ada: '01920000-0000-7000-8000-00000000de01',
  elias: '01920000-0000-7000-8000-00000000de02',
  uma: '01920000-0000-7000-8000-00000000de03',
} as const;

const IDS = `'${Object.values(DEMO_ACCOUNT_IDS).join("', '")}'`;

// An account that was disabled at the very time of its making was disabled here: whom an ADMIN disables is disabled later,
// and stays so when the demo is on again.
const DISABLE = `update account set disabled_at = created_at where id in (${IDS}) and disabled_at is null returning id`;
const ENABLE = `update account set disabled_at = null where id in (${IDS}) and disabled_at = created_at returning id`;
const SIGN_INS = `select email, name, role from account where id in (${IDS}) and disabled_at is null order by id`;
const END_SESSIONS = `
update session set ended_at = clock_timestamp(), end_reason = ?
 where account_id = ? and ended_at is null and least(idle_expires_at, expires_at) > clock_timestamp() returning id`;

/** An account of the demo that can sign in. */
export interface DemoSignIn {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
}

/** The demo accounts that are there, and not kept out. */
export const demoAccounts = (em: EntityManager): Promise<readonly DemoSignIn[]> => em.execute<DemoSignIn[]>(SIGN_INS);

/** Lets the demo accounts sign in. */
export async function enableDemoAccounts(tx: LoggedTransaction): Promise<void> {
  for (const { id } of await tx.em.execute<{ id: string }[]>(ENABLE)) recordOf(tx, id, ACCOUNT_ENABLED);
}

/** Keeps the demo accounts out, whatever their passwords are by now: a visitor may have changed them. */
export async function disableDemoAccounts(tx: LoggedTransaction): Promise<void> {
  const reason: EndReason = 'REVOKED';
  for (const { id } of await tx.em.execute<{ id: string }[]>(DISABLE)) {
    const ended = await tx.em.execute<{ id: string }[]>(END_SESSIONS, [reason, id]);
    recordOf(tx, id, ACCOUNT_DISABLED);
    if (ended.length > 0) recordOf(tx, id, SESSIONS_ENDED, { sessionIds: ended.map((session) => session.id), reason });
  }
}

function recordOf(
  tx: LoggedTransaction,
  id: string,
  kind: string,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  tx.record({ resource: { kind: ACCOUNT_RESOURCE, id }, kind, actorId: SYSTEM_ACCOUNT_ID, facts });
}
