// Brings the database to what DEMO says, before anyone can sign in: fills an empty one, lets the demo accounts in or keeps them out.
import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Passwords } from '../engine/passwords/passwords.js';
import { AccountEntity } from '../engine/accounts/account.entity.js';
import type { EventLog, LoggedTransaction } from '../engine/events/event-log.js';
import { ProjectEntity, ProjectMemberEntity } from '../domain/projects/project.entity.js';
import { CommentEntity, UpdateEntity } from '../domain/updates/update.entity.js';
import { demoAccounts, disableDemoAccounts, enableDemoAccounts } from './demo-accounts.js';
import { buildHistory } from './history.js';
import { DEMO_PASSWORD } from './people.js';
import { billing } from './stories/billing.js';
import { harbour } from './stories/harbour.js';
import { rider } from './stories/rider-app.js';
import { swap } from './stories/swap.js';
import type { ProjectStory } from './story.js';

export const STORIES: readonly ProjectStory[] = [harbour, rider, swap, billing];

/** Key of the advisory lock that starting instances queue on: "demo" in ASCII. */
const DEMO_LOCK = 0x64656d6f;

/**
 * With `demo`: seeds a database without accounts, once, however many instances start together; what is there already is
 * never touched. Without it the demo accounts are disabled, until it is on again. Returns the e-mail addresses of those that can
 * sign in.
 */
export async function prepareDemo(demo: boolean, log: EventLog, passwords: Passwords): Promise<readonly string[]> {
  const logger = new Logger('Demo');
  const { seeded, signIns } = await log.transaction(async (tx) => {
    await tx.em.execute(`select pg_advisory_xact_lock(${DEMO_LOCK})`);
    const empty = demo && (await isNew(tx));
    if (!demo) await disableDemoAccounts(tx);
    else if (empty) await seed(tx, passwords);
    else await enableDemoAccounts(tx);
    return { seeded: empty, signIns: (await demoAccounts(tx.em)).map(({ email }) => email) };
  });
  if (seeded) logger.log(`Made demo data: ${STORIES.length} projects with their past`);
  if (demo && signIns.length === 0) logger.log('No demo accounts: they are made in a database without accounts alone');
  return signIns;
}

async function isNew({ em }: LoggedTransaction): Promise<boolean> {
  const people = await em.execute<unknown[]>('select 1 from account where not is_system limit 1');
  return people.length === 0;
}

async function seed({ em, record }: LoggedTransaction, passwords: Passwords): Promise<void> {
  // Nobody knows the colleagues' password: they are there to be seen, not to sign in.
  const [demo, others] = await Promise.all([
    passwords.hash(DEMO_PASSWORD),
    passwords.hash(randomBytes(32).toString('hex')),
  ]);
  const history = buildHistory(STORIES, { demo, others }, new Date());
  await em.insertMany(AccountEntity, [...history.accounts]);
  await em.insertMany(ProjectEntity, [...history.projects]);
  await em.insertMany(ProjectMemberEntity, [...history.members]);
  await em.insertMany(UpdateEntity, [...history.updates]);
  await em.insertMany(CommentEntity, [...history.comments]);
  history.events.forEach(record);
}
