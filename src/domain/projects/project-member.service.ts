// Who is in a project. The project's row is locked first, so that two changes cannot each leave the other's OWNER as the last.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 as uuid } from 'uuid';
import type { ClientInfo, Principal } from '../../engine/access/role.js';
import { AccountEntity } from '../../engine/accounts/account.entity.js';
import { ConflictError, NotFoundError } from '../../engine/errors/service-error.js';
import { EventLog } from '../../engine/events/event-log.js';
import { type AuditAction, AuditTrail } from '../../engine/operations/audit.js';
import { type ProjectMember, ProjectMemberEntity } from './project.entity.js';
import { projectEvent, ProjectEventKind } from './project-events.js';
import { PROJECT_RESOURCE, ProjectRole } from './project-role.js';
import { lockProject } from './project.service.js';

@Injectable()
export class ProjectMemberService {
  constructor(
    private readonly log: EventLog,
    private readonly audit: AuditTrail,
  ) {}

  /** Makes the account a member, or changes its role. Throws NOT_FOUND, CONFLICT (LAST_OWNER). */
  async set(
    viewer: Principal,
    projectId: string,
    accountId: string,
    role: ProjectRole,
    client: ClientInfo,
  ): Promise<ProjectMember> {
    return this.log.transaction(async ({ em, record }) => {
      const audited = (action: AuditAction) =>
        this.recordIn(em, action, viewer, client, projectId, { accountId, role });
      await lockProject(em, projectId);
      const member = await em.findOne(ProjectMemberEntity, { projectId, accountId });
      if (member?.role === role) return member;
      if (member) {
        await assertOwnerRemains(em, member, role);
        member.role = role;
        await audited('MEMBER_CHANGED');
        record(projectEvent(viewer, projectId, ProjectEventKind.MEMBER_CHANGED, accountId, role));
        return member;
      }
      if (!(await em.count(AccountEntity, { id: accountId, isSystem: false }))) throw new NotFoundError('User');
      await audited('MEMBER_ADDED');
      record(projectEvent(viewer, projectId, ProjectEventKind.MEMBER_ADDED, accountId, role));
      return em.create(ProjectMemberEntity, { id: uuid(), projectId, accountId, role, createdAt: new Date() });
    });
  }

  /** Ends a membership; false if there was none. Throws CONFLICT (LAST_OWNER). */
  async remove(viewer: Principal, projectId: string, accountId: string, client: ClientInfo): Promise<boolean> {
    return this.log.transaction(async ({ em, record }) => {
      await lockProject(em, projectId);
      const member = await em.findOne(ProjectMemberEntity, { projectId, accountId });
      if (!member) return false;
      await assertOwnerRemains(em, member, undefined);
      em.remove(member);
      await this.recordIn(em, 'MEMBER_REMOVED', viewer, client, projectId, { accountId });
      record(projectEvent(viewer, projectId, ProjectEventKind.MEMBER_REMOVED, accountId));
      return true;
    });
  }

  private recordIn(
    em: EntityManager,
    action: AuditAction,
    { accountId: actorId }: Principal,
    { address }: ClientInfo,
    projectId: string,
    details: Readonly<Record<string, string>>,
  ): Promise<void> {
    const subject = { kind: PROJECT_RESOURCE, id: projectId };
    return this.audit.record(em, { action, outcome: 'SUCCESS', actorId, subject, address, details });
  }
}

async function assertOwnerRemains(
  em: EntityManager,
  member: ProjectMember,
  next: ProjectRole | undefined,
): Promise<void> {
  if (member.role !== ProjectRole.OWNER || next === ProjectRole.OWNER) return;
  const others = { projectId: member.projectId, role: ProjectRole.OWNER, id: { $ne: member.id } };
  if ((await em.count(ProjectMemberEntity, others)) > 0) return;
  throw new ConflictError('LAST_OWNER', 'A project always has an OWNER: name another one first.');
}
