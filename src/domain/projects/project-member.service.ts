// Membership of projects. The project's row is locked first, so that two concurrent changes cannot remove the last OWNER, and
// authorization is checked again under the lock, since an earlier change may have revoked it.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ClientInfo, Principal } from '../../engine/access/role.js';
import { AccountEntity } from '../../engine/accounts/account.entity.js';
import { ConflictError, NotFoundError } from '../../engine/errors/service-error.js';
import { EventLog, type LoggedTransaction } from '../../engine/events/event-log.js';
import type { AuditAction } from '../../engine/audit/audit-actions.js';
import type { AuditRecord } from '../../engine/audit/audit-row.js';
import { AuditTrail } from '../../engine/audit/audit-trail.js';
import { type ProjectMember, ProjectMemberEntity } from './project.entity.js';
import { assertCurrentProjectRole } from './project-lock.js';
import { projectEvent, ProjectEventKind } from './project-events.js';
import { PROJECT_RESOURCE, ProjectRole } from './project-role.js';
import { lockProject } from './project.service.js';
import { idAt } from '../../engine/database/time-ordered-id.js';

declare module '../../engine/errors/service-error.js' {
  interface ConflictReasons {
    LAST_OWNER: true;
  }
}

@Injectable()
export class ProjectMemberService {
  constructor(
    private readonly log: EventLog,
    private readonly audit: AuditTrail,
  ) {}

  /** Adds the account as a member, or changes its role. Throws NOT_FOUND, FORBIDDEN, CONFLICT (LAST_OWNER). */
  async set(
    viewer: Principal,
    projectId: string,
    accountId: string,
    role: ProjectRole,
    client: ClientInfo,
  ): Promise<ProjectMember> {
    const failed = { action: 'MEMBER_CHANGED', details: { accountId, role } } as const;
    return this.auditing(failed, viewer, client, projectId, async ({ em, record }) => {
      const audited = (action: AuditAction) =>
        this.recordIn(em, action, viewer, client, projectId, { accountId, role });
      await lockProject(em, projectId);
      // Otherwise an account that was just removed or demoted could restore its role.
      const at = await assertCurrentProjectRole(em, viewer, projectId, ProjectRole.OWNER);
      const member = await em.findOne(ProjectMemberEntity, { projectId, accountId });
      if (member?.role === role) return member;
      if (member) {
        await assertOwnerRemains(em, member, role);
        member.role = role;
        await audited('MEMBER_CHANGED');
        record(projectEvent(viewer, projectId, ProjectEventKind.MEMBER_CHANGED, { subjectId: accountId, role }));
        return member;
      }
      if (!(await em.count(AccountEntity, { id: accountId, isSystem: false }))) throw new NotFoundError('User');
      await audited('MEMBER_ADDED');
      record(projectEvent(viewer, projectId, ProjectEventKind.MEMBER_ADDED, { subjectId: accountId, role }));
      return em.create(ProjectMemberEntity, { id: idAt(at), projectId, accountId, role, createdAt: new Date(at) });
    });
  }

  /** Removes a member, also oneself; does nothing if there is none. Returns the account's id. Throws NOT_FOUND, FORBIDDEN, CONFLICT (LAST_OWNER). */
  async remove(viewer: Principal, projectId: string, accountId: string, client: ClientInfo): Promise<string> {
    const failed = { action: 'MEMBER_REMOVED', details: { accountId } } as const;
    return this.auditing(failed, viewer, client, projectId, async ({ em, record }) => {
      await lockProject(em, projectId);
      if (accountId !== viewer.accountId) await assertCurrentProjectRole(em, viewer, projectId, ProjectRole.OWNER);
      const member = await em.findOne(ProjectMemberEntity, { projectId, accountId });
      if (!member) return accountId;
      await assertOwnerRemains(em, member, undefined);
      em.remove(member);
      await this.recordIn(em, 'MEMBER_REMOVED', viewer, client, projectId, { accountId });
      record(projectEvent(viewer, projectId, ProjectEventKind.MEMBER_REMOVED, { subjectId: accountId }));
      return accountId;
    });
  }

  /** A transaction whose refusal by last-owner protection is audited too, in a transaction of its own. */
  private async auditing<T>(
    { action, details }: Pick<AuditRecord, 'action' | 'details'>,
    { accountId: actorId }: Principal,
    { address }: ClientInfo,
    projectId: string,
    work: (transaction: LoggedTransaction) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.log.transaction(work);
    } catch (error) {
      if (error instanceof ConflictError) {
        await this.audit.recordRepeatable({
          action,
          outcome: 'FAILED',
          actorId,
          subject: { kind: PROJECT_RESOURCE, id: projectId },
          address,
          details: { ...details, reason: error.reason },
        });
      }
      throw error;
    }
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

/** One of the remaining members must be an effective OWNER: enabled, and not capped by the account's role. */
async function assertOwnerRemains(
  em: EntityManager,
  { id, projectId, role }: ProjectMember,
  next: ProjectRole | undefined,
): Promise<void> {
  if (role !== ProjectRole.OWNER || next === ProjectRole.OWNER) return;
  if ((await em.execute<unknown[]>(OTHER_OWNERS, [projectId, id])).length > 0) return;
  throw new ConflictError('LAST_OWNER', 'A project needs an OWNER with an enabled account: appoint another one first.');
}

const OTHER_OWNERS = `
select 1
  from project_member member join account on account.id = member.account_id
 where member.project_id = ? and member.id <> ? and member.role = 'OWNER'
   and account.disabled_at is null and account.role <> 'USER' limit 1`;
