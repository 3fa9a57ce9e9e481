// Creates, finds, edits and deletes projects. Access is declared at the fields; this holds the rules of projects.
import { Injectable } from '@nestjs/common';
import { type EntityManager, LockMode } from '@mikro-orm/postgresql';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { assertCurrentAccountRole } from '../../engine/access/current-account-role.js';
import { type ClientInfo, type Principal, Role } from '../../engine/access/role.js';
import type { Condition } from '../../engine/database/shown.js';
import { containsText } from '../../engine/database/text-search.js';
import { idAt } from '../../engine/database/time-ordered-id.js';
import { violatesUnique } from '../../engine/database/unit-of-work.js';
import { ConflictError, NotFoundError } from '../../engine/errors/service-error.js';
import { EventLog } from '../../engine/events/event-log.js';
import { AuditTrail } from '../../engine/audit/audit-trail.js';
import { type Connection, type PageArgs, paginate } from '../../engine/graphql/pagination/connection.js';
import { type Project, ProjectEntity, ProjectMemberEntity } from './project.entity.js';
import { projectById, projectByKey, type ProjectRow, shownProject } from './project.loader.js';
import { assertCurrentProjectRole, awaitExclusiveLock } from './project-lock.js';
import { projectEvent, ProjectEventKind } from './project-events.js';
import type { NewProject, ProjectChanges, ProjectFilterInput } from './project.input.js';
import { type Listed, orderedProjects, type ProjectOrder } from './project-order.js';
import { PROJECT_RESOURCE, ProjectRole } from './project-role.js';
import type { ProjectAddress } from './project.type.js';

/** The health of the latest update, read in the order of one index, as in connection-loader.ts. */
const LATEST_HEALTH = `(select health from project_update latest where latest.project_id = any(array[project.id])
   order by latest.project_id, latest.id desc limit 1)`;

/** `memberId`: only projects of this account. */
export type ProjectPage = Connection<ProjectRow> & {
  readonly lastCursor: string;
  readonly memberId: string | undefined;
};

declare module '../../engine/errors/service-error.js' {
  interface ConflictReasons {
    PROJECT_KEY_TAKEN: true;
  }
}

@Injectable()
export class ProjectService {
  constructor(
    private readonly log: EventLog,
    private readonly audit: AuditTrail,
  ) {}

  /** A project that is not deleted. Throws NOT_FOUND. */
  async find(context: OperationContext, { id, key }: ProjectAddress): Promise<ProjectRow> {
    const project = await (id ? context.load(projectById, id) : context.load(projectByKey, key!));
    if (!project || project.deletedAt) throw new NotFoundError('Project');
    return project;
  }

  /** The viewer's projects, newest first or in the given order. `lastCursor` is read before the page, so resuming from it loses nothing. */
  async list(
    context: OperationContext,
    args: PageArgs,
    filter: ProjectFilterInput,
    orderBy: ProjectOrder | null | undefined,
  ): Promise<ProjectPage> {
    const { viewer, lastCursor } = context;
    const all = viewer.rights.role === Role.ADMIN && !filter?.mine;
    const memberId = all ? undefined : viewer.accountId;
    const page = orderBy
      ? await orderedProjects(context, orderBy, { ...filter, memberId }, args)
      : await paginate(context, shownProject, conditionsOf({ ...filter, memberId }), args);
    return { ...page, lastCursor, memberId };
  }

  /** Creates a project with the viewer as OWNER. Throws FORBIDDEN, CONFLICT (PROJECT_KEY_TAKEN). */
  async create(viewer: Principal, input: NewProject): Promise<Project> {
    return this.log.transaction(async ({ em, record }) => {
      const at = await assertCurrentAccountRole(em, viewer.accountId, Role.EDITOR);
      const now = new Date(at);
      const project = em.create(ProjectEntity, { id: idAt(at), ...input, version: 1, createdAt: now, updatedAt: now });
      const owner = { projectId: project.id, accountId: viewer.accountId, role: ProjectRole.OWNER };
      em.create(ProjectMemberEntity, { id: idAt(at), ...owner, createdAt: now });
      await em.flush().catch((error: unknown) => {
        if (!violatesUnique(error, 'project_key_key')) throw error;
        throw new ConflictError('PROJECT_KEY_TAKEN', `The key ${input.key} is taken.`);
      });
      record(projectEvent(viewer, project.id, ProjectEventKind.PROJECT_CREATED, { subjectId: project.id }));
      return project;
    });
  }

  /** Throws NOT_FOUND, FORBIDDEN; CONFLICT (VERSION) if `version` is given and not current. */
  async edit(
    viewer: Principal,
    id: string,
    changes: ProjectChanges,
    version: number | null | undefined,
  ): Promise<Project> {
    return this.log.transaction(async ({ em, record }) => {
      const project = await lockProject(em, id);
      const at = await assertCurrentProjectRole(em, viewer, id, ProjectRole.EDITOR);
      assertVersion(project.version, version);
      em.assign(project, { ...changes, version: project.version + 1, updatedAt: new Date(at) });
      record(projectEvent(viewer, id, ProjectEventKind.PROJECT_EDITED, { subjectId: id }));
      return project;
    });
  }

  /** Deletes softly, since events still refer to the project. Throws NOT_FOUND, FORBIDDEN. */
  async delete(viewer: Principal, id: string, { address }: ClientInfo): Promise<string> {
    return this.log.transaction(async ({ em, record }) => {
      const project = await lockProject(em, id);
      project.deletedAt = new Date(await assertCurrentAccountRole(em, viewer.accountId, Role.ADMIN));
      const subject = { kind: PROJECT_RESOURCE, id };
      const actorId = viewer.accountId;
      await this.audit.record(em, { action: 'PROJECT_DELETED', outcome: 'SUCCESS', actorId, subject, address });
      record(projectEvent(viewer, id, ProjectEventKind.PROJECT_DELETED, { subjectId: id }));
      return id;
    });
  }
}

function conditionsOf({ memberId, health, search }: Listed): readonly Condition[] {
  return [
    ['deleted_at is null'],
    ...(memberId ? [['id in (select project_id from project_member where account_id = ?)', memberId] as const] : []),
    ...(health ? [[`${LATEST_HEALTH} = any(string_to_array(?, ','))`, health.join(',')] as const] : []),
    ...(search ? [containsText(['name', 'key'], search)] : []),
  ];
}

/** The project's row, locked until the transaction ends. Every change of a project or its members starts here. */
export async function lockProject(em: EntityManager, id: string): Promise<Project> {
  await awaitExclusiveLock(em, id);
  const lockMode = LockMode.PESSIMISTIC_WRITE;
  const project = await em.findOne(ProjectEntity, { id, deletedAt: null }, { lockMode });
  if (!project) throw new NotFoundError('Project');
  return project;
}

/** Throws CONFLICT (VERSION) unless the caller edited the current version. */
export function assertVersion(present: number, seen: number | null | undefined): void {
  if (seen == null || seen === present) return;
  throw new ConflictError('VERSION', `This was changed since version ${seen}; it is at version ${present} now.`);
}
