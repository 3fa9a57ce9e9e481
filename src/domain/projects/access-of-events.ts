// Whose access to a project changes by an event: told by an event of the account's own right behind it, so that a subscriber of its
// own access reads no more of the log than what is about it.
import type { EntityManager } from '@mikro-orm/postgresql';
import { ACCOUNT_RESOURCE, ACCOUNT_ROLE_CHANGED } from '../../engine/access/rights.js';
import type { EventConsequences } from '../../engine/events/event-consequences.port.js';
import type { EventDraft, LogEvent } from '../../engine/events/log-event.js';
import { ProjectEventKind, subjectOf } from './project-events.js';
import { PROJECT_RESOURCE } from './project-role.js';

/** Event of an account: its access to the project `facts.projectId` has changed. */
const ACCESS_CHANGED = 'ACCESS_CHANGED';

const MEMBERS = 'select account_id as id from project_member where project_id = ? order by id';

/** Appends those events to every transaction. */
export const accessOfEvents: EventConsequences = {
  follow: async (em, drafts) => {
    const changes: EventDraft[] = [];
    for (const draft of drafts) {
      for (const accountId of await accountsOf(em, draft)) changes.push(changeOf(draft, accountId));
    }
    return changes;
  },
};

/** The project that the account gets, keeps otherwise, or loses by `event`; null: it is the account itself that changes. */
export function accessChangedBy({ resource, kind, facts }: LogEvent): { projectId: string | null } | undefined {
  if (resource.kind !== ACCOUNT_RESOURCE) return undefined;
  if (kind === ACCOUNT_ROLE_CHANGED) return { projectId: null };
  return kind === ACCESS_CHANGED ? { projectId: facts['projectId'] as string } : undefined;
}

async function accountsOf(em: EntityManager, draft: EventDraft): Promise<readonly string[]> {
  if (draft.resource.kind !== PROJECT_RESOURCE) return [];
  switch (draft.kind as ProjectEventKind) {
    case ProjectEventKind.PROJECT_CREATED:
      return [draft.actorId];
    case ProjectEventKind.MEMBER_ADDED:
    case ProjectEventKind.MEMBER_CHANGED:
    case ProjectEventKind.MEMBER_REMOVED:
      return [subjectOf(draft)];
    case ProjectEventKind.PROJECT_DELETED:
      return (await em.execute<{ id: string }[]>(MEMBERS, [draft.resource.id])).map(({ id }) => id);
    default:
      return [];
  }
}

function changeOf({ resource, actorId, sessionId }: EventDraft, accountId: string): EventDraft {
  const facts = { projectId: resource.id };
  return { resource: { kind: ACCOUNT_RESOURCE, id: accountId }, kind: ACCESS_CHANGED, actorId, sessionId, facts };
}
