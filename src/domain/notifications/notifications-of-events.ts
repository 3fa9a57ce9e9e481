// Who is notified of what: read off the events of a transaction, stored with them, and told by an event of the account's own.
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

/**
 * Stores the notifications of every transaction. Nobody is notified of what they have done themselves. Their ids are in the order
 * of the log, whoever commits first and whatever the clocks of the nodes say: an account has read all that are not greater.
 */
export const notificationsOfEvents: EventConsequences = {
  follow: async (em, drafts, nextPlace) => {
    const caused = drafts.flatMap((draft) =>
      noticesOf(draft)
        .filter(({ accountId }) => accountId !== draft.actorId)
        .map((notice) => ({ draft, notice })),
    );
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
};

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
