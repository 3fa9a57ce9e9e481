// Derives changes of access from events. Each is an event of the account right behind its cause, so that subscribers of their own
// access read only those. A deletion is a single event for all accounts: rights know the members, since nobody joins or leaves
// a deleted project.
import { z } from 'zod';
import type { AccountRights } from '../../engine/access/role.js';
import { ACCOUNT_RESOURCE, ACCOUNT_ROLE_CHANGED } from '../../engine/access/rights.js';
import type { Following } from '../../engine/events/event-consequences.port.js';
import { factsOf } from '../../engine/events/event-facts.js';
import { ALL_OF_KIND, type EventDraft, type LogEvent } from '../../engine/events/log-event.js';
import { projectFacts } from './project-events.js';

/** Event of an account: its access to the project `facts.projectId` changed. */
const ACCESS_CHANGED = 'ACCESS_CHANGED';
/** Event of all accounts: members of the project `facts.projectId` lost it. */
const ACCESS_ENDED = 'ACCESS_ENDED';
/** The facts of both. */
const accessFacts = z.object({ projectId: z.guid() });

/** Appends those events to every transaction. */
export const accessOfEvents: Following = (_em, drafts) =>
  Promise.resolve(drafts.flatMap((draft) => changeBy(draft) ?? []));

/** Whether `event`, of an account with these rights, changed its access. */
export function changesAccess(event: LogEvent, { ended }: AccountRights): boolean {
  const { kind } = event;
  if (kind === ACCESS_ENDED) return ended?.has(factsOf(accessFacts, event).projectId) ?? false;
  return kind === ACCESS_CHANGED || kind === ACCOUNT_ROLE_CHANGED;
}

/** The project of an event that changes access; null: the account's own role changed. */
export function projectIdOf(event: LogEvent): string | null {
  return event.kind === ACCOUNT_ROLE_CHANGED ? null : factsOf(accessFacts, event).projectId;
}

function changeBy(draft: EventDraft): EventDraft | undefined {
  const happened = projectFacts(draft);
  if (!happened) return undefined;
  switch (happened.kind) {
    case 'PROJECT_CREATED':
      return changeOf(draft, ACCESS_CHANGED, draft.actorId);
    case 'MEMBER_ADDED':
    case 'MEMBER_CHANGED':
    case 'MEMBER_REMOVED':
      return changeOf(draft, ACCESS_CHANGED, happened.subjectId);
    case 'PROJECT_DELETED':
      return changeOf(draft, ACCESS_ENDED, ALL_OF_KIND);
    case 'PROJECT_EDITED':
    case 'UPDATE_POSTED':
    case 'UPDATE_EDITED':
    case 'UPDATE_REMOVED':
    case 'COMMENT_POSTED':
    case 'COMMENT_EDITED':
    case 'COMMENT_REMOVED':
      return undefined;
  }
}

function changeOf({ resource, actorId, sessionId }: EventDraft, kind: string, accountId: string): EventDraft {
  return {
    resource: { kind: ACCOUNT_RESOURCE, id: accountId },
    kind,
    actorId,
    sessionId,
    facts: accessFacts.parse({ projectId: resource.id }),
  };
}
