// The events of a project, and their effect on rights.
import { z } from 'zod';
import { factsOf } from '../../engine/events/event-facts.js';
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

/** The cause of an event: a session, or the installation itself. */
export type Actor = Pick<Principal, 'accountId'> & Partial<Pick<Principal, 'sessionId'>>;

/** `subjectId`: the project, the member's account, the update or the comment that the event concerns. */
const subject = z.object({ subjectId: z.guid() });
/** Rights depend on the member's role only. */
const membership = subject.extend({ role: z.enum(ProjectRole) });
/** `mentions`: ids of accounts that the text mentions for the first time. */
const posted = subject.extend({ mentions: z.array(z.guid()).readonly().optional() });

/** The facts of each kind, checked when an event is recorded and when it is read. A released schema only gains optional facts. */
const FACTS = {
  PROJECT_CREATED: subject,
  PROJECT_EDITED: subject,
  PROJECT_DELETED: subject,
  MEMBER_ADDED: membership,
  MEMBER_CHANGED: membership,
  MEMBER_REMOVED: subject,
  UPDATE_POSTED: posted,
  UPDATE_EDITED: posted,
  UPDATE_REMOVED: subject,
  COMMENT_POSTED: posted,
  COMMENT_EDITED: posted,
  COMMENT_REMOVED: subject,
} satisfies Readonly<Record<ProjectEventKind, z.ZodType>>;

export type FactsOf<K extends ProjectEventKind> = z.infer<(typeof FACTS)[K]>;

/** The kinds of events with their facts, as a union. */
export type ProjectFacts = { [K in ProjectEventKind]: { readonly kind: `${K}` } & FactsOf<K> }[ProjectEventKind];

/** A project event to record. Throws if `facts` do not match the kind. */
export function projectEvent<K extends ProjectEventKind>(
  actor: Actor,
  projectId: string,
  kind: K,
  facts: FactsOf<K>,
): EventDraft {
  return {
    resource: { kind: PROJECT_RESOURCE, id: projectId },
    kind,
    actorId: actor.accountId,
    sessionId: actor.sessionId,
    facts: FACTS[kind].parse(facts),
  };
}

/** Facts with the ids of mentioned accounts, if there are any. */
export function mentioning(accountIds: readonly string[]): { readonly mentions?: readonly string[] } {
  return accountIds.length > 0 ? { mentions: accountIds } : {};
}

type Recorded = Pick<EventDraft, 'resource' | 'kind' | 'facts'>;

/** `undefined` for an event of another resource, or of a kind added by a newer version. Throws if the facts are malformed. */
export function projectFacts(event: Recorded): ProjectFacts | undefined {
  const { resource, kind } = event;
  if (resource.kind !== PROJECT_RESOURCE || !isKind(kind)) return undefined;
  return factsOf({ parse: (facts) => ({ kind, ...FACTS[kind].parse(facts) }) as ProjectFacts }, event);
}

/** The id that a project event concerns, for every kind. */
export function subjectOf(event: Recorded): string {
  return (projectFacts(event) ?? factsOf(subject, event)).subjectId;
}

/** Whether this version knows the kind of a project event. One that it does not know is left out of what clients read. */
export function isKnown({ kind }: LogEvent): boolean {
  return isKind(kind);
}

function isKind(kind: string): kind is ProjectEventKind {
  return Object.hasOwn(FACTS, kind);
}

function changeOf(event: LogEvent): RightsChange | undefined {
  const happened = projectFacts(event);
  if (!happened) return undefined;
  const resourceId = event.resource.id;
  switch (happened.kind) {
    case 'PROJECT_CREATED':
      return { resourceId, accountId: event.actorId, role: ProjectRole.OWNER };
    case 'MEMBER_ADDED':
    case 'MEMBER_CHANGED':
      return { resourceId, accountId: happened.subjectId, role: happened.role };
    case 'MEMBER_REMOVED':
      return { resourceId, accountId: happened.subjectId, role: null };
    case 'PROJECT_DELETED':
      return { resourceId, role: null };
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

/** Tells the engine how project events change rights. */
export const projectRights: ResourceRights = {
  kind: PROJECT_RESOURCE,
  rolesOfAccount: `
    select jsonb_object_agg(member.project_id, case when project.deleted_at is null then member.role end)
      from project_member member join project on project.id = member.project_id
     where member.account_id = account.id`,
  commonResource: `
    select 1
      from project_member one join project_member other using (project_id)
      join project on project.id = one.project_id and project.deleted_at is null
     where one.account_id = ? and other.account_id = ? limit 1`,
  changeOf,
};
