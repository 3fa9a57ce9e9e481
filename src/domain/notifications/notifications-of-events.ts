// Derives notifications from the events of a transaction: each is stored with it, and announced by an event of the recipient.
import type { EntityManager } from '@mikro-orm/postgresql';
import { Counter } from 'prom-client';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { ACCOUNT_RESOURCE, ACCOUNT_ROLE_CHANGED, accountRoleFacts } from '../../engine/access/rights.js';
import type { Following } from '../../engine/events/event-consequences.port.js';
import { factsOf } from '../../engine/events/event-facts.js';
import type { EventDraft, LogEvent } from '../../engine/events/log-event.js';
import { projectFacts } from '../projects/project-events.js';
import { NotificationKind } from './notification.entity.js';

/** Event of an account: its notification is `facts.notificationId`. */
const NOTIFIED = 'NOTIFIED';
const notifiedFacts = z.object({ notificationId: z.guid() });

interface Notice {
  readonly accountId: string;
  readonly kind: NotificationKind;
  readonly projectId: string | null;
  readonly subjectKind: 'UPDATE' | 'COMMENT' | null;
  readonly subjectId: string | null;
  readonly role: string | null;
}

interface Caused {
  readonly draft: EventDraft;
  readonly notice: Notice;
}

/** Notifications per hour from one account to another, so that mentions cannot be used for spam. */
export const MAX_PER_SENDER = 30;
const HOUR_MS = 3_600_000;

/** For Prometheus: notifications dropped because of {@link MAX_PER_SENDER}. */
export const droppedNotifications = new Counter({
  name: 'tidings_notifications_dropped_total',
  help: 'Notifications that were not stored because their sender had caused too many for the recipient in this hour.',
  registers: [],
});

const RECENT = `
select account_id as "accountId", count(*)::int as count from notification
 where account_id = any(string_to_array(?, ',')::uuid[]) and id > ?::uuid and actor_id = ? group by account_id`;

/**
 * Announces each notification by an event of the recipient, with what `append_notifying_v1` stores for it. Nobody is notified of their own
 * actions. `limited`: whether {@link MAX_PER_SENDER} applies.
 */
export const notificationsOfEvents =
  (limited: boolean): Following =>
  async (em, drafts) => {
    const all = drafts.flatMap((draft) =>
      noticesOf(draft)
        .filter(({ accountId }) => accountId !== draft.actorId)
        .map((notice) => ({ draft, notice })),
    );
    const caused = limited ? await withinLimit(em, all) : all;
    return caused.map(({ draft: { actorId, sessionId }, notice: { accountId, ...stored } }) => {
      const resource = { kind: ACCOUNT_RESOURCE, id: accountId };
      return { resource, kind: NOTIFIED, actorId, sessionId, stored };
    });
  };

/** Those within the sender's limit for the recipient. Reads the recipient's newest by index. */
async function withinLimit(em: EntityManager, all: readonly Caused[]): Promise<readonly Caused[]> {
  const since = uuid({ msecs: Date.now() - HOUR_MS, seq: 0, random: new Uint8Array(16) });
  const allowed: Caused[] = [];
  for (const [actorId, caused] of Map.groupBy(all, ({ draft }) => draft.actorId)) {
    const recipients = [...new Set(caused.map(({ notice }) => notice.accountId))].join(',');
    const rows = await em.execute<{ accountId: string; count: number }[]>(RECENT, [recipients, since, actorId]);
    const counts = new Map(rows.map(({ accountId, count }) => [accountId, count]));
    for (const one of caused) {
      const count = (counts.get(one.notice.accountId) ?? 0) + 1;
      counts.set(one.notice.accountId, count);
      if (count <= MAX_PER_SENDER) allowed.push(one);
    }
  }
  droppedNotifications.inc(all.length - allowed.length);
  return allowed;
}

/** The account that `event` notifies, and the reason; `undefined` for other events. */
export function notified(event: LogEvent): { accountId: string; id: string } | undefined {
  const { resource, kind } = event;
  if (resource.kind !== ACCOUNT_RESOURCE || kind !== NOTIFIED) return undefined;
  return { accountId: resource.id, id: factsOf(notifiedFacts, event).notificationId };
}

function noticesOf(draft: EventDraft): readonly Notice[] {
  if (draft.resource.kind === ACCOUNT_RESOURCE && draft.kind === ACCOUNT_ROLE_CHANGED) {
    const nowhere = { projectId: null, subjectKind: null, subjectId: null };
    const { role } = factsOf(accountRoleFacts, draft);
    return [{ accountId: draft.resource.id, kind: NotificationKind.ROLE, ...nowhere, role }];
  }
  const happened = projectFacts(draft);
  if (!happened) return [];
  const projectId = draft.resource.id;
  switch (happened.kind) {
    case 'MEMBER_ADDED':
    case 'MEMBER_CHANGED':
    case 'MEMBER_REMOVED': {
      const where = { projectId, subjectKind: null, subjectId: null };
      const role = happened.kind === 'MEMBER_REMOVED' ? null : happened.role;
      return [{ accountId: happened.subjectId, kind: NotificationKind.MEMBERSHIP, ...where, role }];
    }
    case 'UPDATE_POSTED':
    case 'UPDATE_EDITED':
      return mentions(happened, { projectId, subjectKind: 'UPDATE' });
    case 'COMMENT_POSTED':
    case 'COMMENT_EDITED':
      return mentions(happened, { projectId, subjectKind: 'COMMENT' });
    case 'PROJECT_CREATED':
    case 'PROJECT_EDITED':
    case 'PROJECT_DELETED':
    case 'UPDATE_REMOVED':
    case 'COMMENT_REMOVED':
      return [];
  }
}

function mentions(
  { subjectId, mentions: accountIds = [] }: { readonly subjectId: string; readonly mentions?: readonly string[] },
  where: Pick<Notice, 'projectId' | 'subjectKind'>,
): readonly Notice[] {
  return accountIds.map((accountId) => ({
    accountId,
    kind: NotificationKind.MENTION,
    ...where,
    subjectId,
    role: null,
  }));
}
