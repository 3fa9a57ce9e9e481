// Who is notified of what: read off the events of a transaction, stored with them, and told by an event of the account's own.
import type { EntityManager } from '@mikro-orm/postgresql';
import { Counter } from 'prom-client';
import { v7 as uuid } from 'uuid';
import { ACCOUNT_RESOURCE, ACCOUNT_ROLE_CHANGED } from '../../engine/access/rights.js';
import type { EventConsequences } from '../../engine/events/event-consequences.port.js';
import type { EventDraft, LogEvent } from '../../engine/events/log-event.js';
import { mentionsOf, ProjectEventKind, subjectOf } from '../projects/project-events.js';
import { PROJECT_RESOURCE } from '../projects/project-role.js';
import { NotificationEntity, NotificationKind } from './notification.entity.js';

/** Event of an account: it has the notification `facts.notificationId`. */
const NOTIFIED = 'NOTIFIED';

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

/** Notifications that one account can cause for another in an hour. What mentions it more often says so by itself. */
export const MAX_PER_SENDER = 30;
const HOUR_MS = 3_600_000;

/** For Prometheus: what was not stored because of {@link MAX_PER_SENDER}. */
export const droppedNotifications = new Counter({
  name: 'tidings_notifications_dropped_total',
  help: 'Notifications that were not stored because their sender had caused too many for the recipient in this hour.',
  registers: [],
});

const RECENT = `
select account_id as "accountId", count(*)::int as count from notification
 where account_id = any(string_to_array(?, ',')::uuid[]) and id > ?::uuid and actor_id = ? group by account_id`;

/**
 * Stores the notifications of every transaction. Nobody is notified of what they have done themselves. Their ids are in the order
 * of the log, whoever commits first and whatever the clocks of the nodes say: an account has read all that are not greater.
 * `limited`: by {@link MAX_PER_SENDER}.
 */
export const notificationsOfEvents = (limited: boolean): EventConsequences => ({
  follow: async (em, drafts, nextPlace) => {
    const all = drafts.flatMap((draft) =>
      noticesOf(draft)
        .filter(({ accountId }) => accountId !== draft.actorId)
        .map((notice) => ({ draft, notice })),
    );
    // Counted before the place in the log is taken: from then on everybody waits.
    const caused = limited ? await withinLimit(em, all) : all;
    if (caused.length === 0) return [];
    const { pos, at } = await nextPlace();
    return caused.map(({ draft: { actorId, sessionId }, notice }, index) => {
      // Each takes a position of its own, so the next transaction's come behind: within 32 bits, and a ms.
      const id = uuid({ msecs: at, seq: (pos + index) % 2 ** 32 });
      em.create(NotificationEntity, { id, ...notice, actorId, createdAt: new Date(at), readAt: null });
      const resource = { kind: ACCOUNT_RESOURCE, id: notice.accountId };
      return { resource, kind: NOTIFIED, actorId, sessionId, facts: { notificationId: id } };
    });
  },
});

/** Those of which their sender has not caused too many for the recipient. By index: only the recipient's newest are read. */
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

/** The account that `event` notifies, and of what; `undefined` for all other events. */
export function notified({ resource, kind, facts }: LogEvent): { accountId: string; id: string } | undefined {
  if (resource.kind !== ACCOUNT_RESOURCE || kind !== NOTIFIED) return undefined;
  return { accountId: resource.id, id: facts['notificationId'] as string };
}

function noticesOf(draft: EventDraft): readonly Notice[] {
  const role = (draft.facts?.['role'] as string | undefined) ?? null;
  if (draft.resource.kind === ACCOUNT_RESOURCE && draft.kind === ACCOUNT_ROLE_CHANGED) {
    const nowhere = { projectId: null, subjectKind: null, subjectId: null };
    return [{ accountId: draft.resource.id, kind: NotificationKind.ROLE, ...nowhere, role }];
  }
  if (draft.resource.kind !== PROJECT_RESOURCE) return [];
  const projectId = draft.resource.id;
  switch (draft.kind as ProjectEventKind) {
    case ProjectEventKind.MEMBER_ADDED:
    case ProjectEventKind.MEMBER_CHANGED:
    case ProjectEventKind.MEMBER_REMOVED: {
      const where = { projectId, subjectKind: null, subjectId: null };
      return [{ accountId: subjectOf(draft), kind: NotificationKind.MEMBERSHIP, ...where, role }];
    }
    case ProjectEventKind.UPDATE_POSTED:
    case ProjectEventKind.UPDATE_EDITED:
      return mentions(draft, { projectId, subjectKind: 'UPDATE' });
    case ProjectEventKind.COMMENT_POSTED:
    case ProjectEventKind.COMMENT_EDITED:
      return mentions(draft, { projectId, subjectKind: 'COMMENT' });
    default:
      return [];
  }
}

function mentions(draft: EventDraft, where: Pick<Notice, 'projectId' | 'subjectKind'>): readonly Notice[] {
  const subjectId = subjectOf(draft);
  return mentionsOf(draft).map((accountId) => ({
    accountId,
    kind: NotificationKind.MENTION,
    ...where,
    subjectId,
    role: null,
  }));
}
