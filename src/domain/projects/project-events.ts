// The events of a project, and what they do to rights.
import type { EventDraft, LogEvent } from '../../engine/events/log-event.js';
import type { Principal } from '../../engine/access/role.js';
import type { ResourceRights, RightsChange } from '../../engine/access/rights.js';
import { PROJECT_RESOURCE, ProjectRole } from './project-role.js';

export enum ProjectEventKind {
  PROJECT_CREATED = 'PROJECT_CREATED',
  PROJECT_EDITED = 'PROJECT_EDITED',
  PROJECT_DELETED = 'PROJECT_DELETED',
  MEMBER_ADDED = 'MEMBER_ADDED',
  MEMBER_CHANGED = 'MEMBER_CHANGED',
  MEMBER_REMOVED = 'MEMBER_REMOVED',
  UPDATE_POSTED = 'UPDATE_POSTED',
  UPDATE_EDITED = 'UPDATE_EDITED',
  UPDATE_REMOVED = 'UPDATE_REMOVED',
  COMMENT_POSTED = 'COMMENT_POSTED',
  COMMENT_EDITED = 'COMMENT_EDITED',
  COMMENT_REMOVED = 'COMMENT_REMOVED',
}

/** Who caused an event: a session, or the installation itself. */
export type Actor = Pick<Principal, 'accountId'> & Partial<Pick<Principal, 'sessionId'>>;

/** An event of `projectId` about `subjectId`. Membership events also name the role, which is all that rights need. */
export function projectEvent(
  actor: Actor,
  projectId: string,
  kind: ProjectEventKind,
  subjectId: string,
  role?: ProjectRole,
): EventDraft {
  return {
    resource: { kind: PROJECT_RESOURCE, id: projectId },
    kind,
    actorId: actor.accountId,
    sessionId: actor.sessionId,
    facts: role ? { subjectId, role } : { subjectId },
  };
}

/** The same event, which also says whom its text has mentioned. */
export function mentioning(event: EventDraft, accountIds: readonly string[]): EventDraft {
  return accountIds.length > 0 ? { ...event, facts: { ...event.facts, mentions: accountIds } } : event;
}

/** Whom the text that the event is about has mentioned. */
export function mentionsOf({ facts }: Pick<EventDraft, 'facts'>): readonly string[] {
  return (facts?.['mentions'] as readonly string[] | undefined) ?? [];
}

/** What the event is about: the project, an account that is a member, an update or a comment. */
export function subjectOf(event: Pick<EventDraft, 'facts'>): string {
  return event.facts?.['subjectId'] as string;
}

function changeOf(event: LogEvent): RightsChange | undefined {
  if (event.resource.kind !== PROJECT_RESOURCE) return undefined;
  const resourceId = event.resource.id;
  const role = (event.facts['role'] as string | undefined) ?? null;
  switch (event.kind as ProjectEventKind) {
    case ProjectEventKind.PROJECT_CREATED:
      return { resourceId, accountId: event.actorId, role: ProjectRole.OWNER };
    case ProjectEventKind.MEMBER_ADDED:
    case ProjectEventKind.MEMBER_CHANGED:
    case ProjectEventKind.MEMBER_REMOVED:
      return { resourceId, accountId: subjectOf(event), role };
    case ProjectEventKind.PROJECT_DELETED:
      return { resourceId, role: null };
    default:
      return undefined;
  }
}

/** What the engine needs to know of projects to keep rights true. */
export const projectRights: ResourceRights = {
  kind: PROJECT_RESOURCE,
  rolesOfAccount: `
    select jsonb_object_agg(member.project_id, member.role)
      from project_member member join project on project.id = member.project_id and project.deleted_at is null
     where member.account_id = account.id`,
  commonResource: `
    select 1
      from project_member one join project_member other using (project_id)
      join project on project.id = one.project_id and project.deleted_at is null
     where one.account_id = ? and other.account_id = ? limit 1`,
  changeOf,
};
