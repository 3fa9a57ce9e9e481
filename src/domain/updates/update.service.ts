// Posts, edits and removes updates.
import { Injectable } from '@nestjs/common';
import { type EntityManager, LockMode, MikroORM } from '@mikro-orm/postgresql';
import type { ClientInfo, Principal } from '../../engine/access/role.js';
import { NotFoundError } from '../../engine/errors/service-error.js';
import { EventLog } from '../../engine/events/event-log.js';
import { AuditTrail } from '../../engine/audit/audit-trail.js';
import { type Actor, mentioning, projectEvent, ProjectEventKind } from '../projects/project-events.js';
import { lockProjectShared } from '../projects/project-lock.js';
import { ProjectRole } from '../projects/project-role.js';
import { assertVersion } from '../projects/project.service.js';
import { hashInput } from './idempotency.js';
import { mentionsIn } from './mentions.js';
import { post } from './posting.js';
import { type Update, UpdateEntity } from './update.entity.js';
import type { NewUpdate, UpdateChanges } from './update.input.js';

@Injectable()
export class UpdateService {
  constructor(
    private readonly orm: MikroORM,
    private readonly log: EventLog,
    private readonly audit: AuditTrail,
  ) {}

  /** Posts an update; with an `idempotencyKey` at most once. Throws NOT_FOUND, FORBIDDEN, CONFLICT (IDEMPOTENCY_KEY). */
  post(author: Actor, input: NewUpdate): Promise<Update> {
    const { idempotencyKey: key, projectId, title, body, health, internalNote } = input;
    return post<Update>(this.log, author, {
      name: 'post_update_v1',
      parameters: [title, body, health, internalNote],
      projectId,
      role: ProjectRole.EDITOR,
      kind: ProjectEventKind.UPDATE_POSTED,
      text: textOf(input),
      key,
      inputHash: hashInput(input),
      create: (made) => ({ ...input, ...made }),
      find: () =>
        this.orm.em.fork().findOne(UpdateEntity, { authorId: author.accountId, projectId, idempotencyKey: key }),
    });
  }

  /** Throws NOT_FOUND, FORBIDDEN, CONFLICT (VERSION). */
  async edit(
    viewer: Principal,
    id: string,
    changes: UpdateChanges,
    version: number | null | undefined,
  ): Promise<Update> {
    return this.log.transaction(async ({ em, record }) => {
      const { update, at } = await lockUpdate(em, viewer, id, ProjectRole.EDITOR);
      assertVersion(update.version, version);
      const before = { text: textOf(update), mentioned: update.mentioned };
      em.assign(update, { ...changes, version: update.version + 1, editedAt: new Date(at) });
      const { fresh, mentioned } = await mentionsIn(em, update.projectId, textOf(update), before);
      update.mentioned = mentioned;
      record(
        projectEvent(viewer, update.projectId, ProjectEventKind.UPDATE_EDITED, { subjectId: id, ...mentioning(fresh) }),
      );
      return update;
    });
  }

  /** Removes an update permanently; its comments stay in the chat. Throws NOT_FOUND, FORBIDDEN. */
  async remove(viewer: Principal, id: string, { address }: ClientInfo): Promise<string> {
    return this.log.transaction(async ({ em, record }) => {
      const { update } = await lockUpdate(em, viewer, id, ProjectRole.OWNER);
      em.remove(update);
      const details = { projectId: update.projectId };
      const [subject, actorId] = [{ kind: 'update', id }, viewer.accountId];
      await this.audit.record(em, { action: 'UPDATE_REMOVED', outcome: 'SUCCESS', actorId, subject, address, details });
      record(projectEvent(viewer, update.projectId, ProjectEventKind.UPDATE_REMOVED, { subjectId: id }));
      return id;
    });
  }
}

/** Text that can mention members: not the internal note, which mentioned accounts may not be allowed to read. */
function textOf({ title, body }: Pick<Update, 'title' | 'body'>): string {
  return `${title}\n${body}`;
}

/** The update, and the current time of the database. */
async function lockUpdate(
  em: EntityManager,
  viewer: Principal,
  id: string,
  role: ProjectRole,
): Promise<{ readonly update: Update; readonly at: number }> {
  // Locks the project first, as everywhere: comments on the update hold it too.
  const [place] = await em.execute<{ id: string }[]>('select project_id as id from project_update where id = ?', [id]);
  if (!place) throw new NotFoundError('Update');
  const at = await lockProjectShared(em, viewer, place.id, role);
  const update = await em.findOne(
    UpdateEntity,
    { id },
    { lockMode: LockMode.PESSIMISTIC_WRITE, populate: ['mentioned'] },
  );
  if (!update) throw new NotFoundError('Update');
  return { update, at };
}
