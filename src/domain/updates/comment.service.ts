// Comments in the chat of a project and on its updates.
import { Injectable } from '@nestjs/common';
import { LockMode, MikroORM } from '@mikro-orm/postgresql';
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
import { type Comment, CommentEntity } from './update.entity.js';
import type { CommentChanges, NewComment } from './update.input.js';

@Injectable()
export class CommentService {
  constructor(
    private readonly orm: MikroORM,
    private readonly log: EventLog,
    private readonly audit: AuditTrail,
  ) {}

  /** Posts a comment; with an `idempotencyKey` at most once. Throws NOT_FOUND, CONFLICT (IDEMPOTENCY_KEY). */
  post(author: Actor, input: NewComment): Promise<Comment> {
    const { idempotencyKey: key, projectId, updateId, body } = input;
    return post<Comment>(this.log, author, {
      name: 'post_comment_v1',
      parameters: [updateId, body],
      projectId,
      role: ProjectRole.VIEWER,
      kind: ProjectEventKind.COMMENT_POSTED,
      text: body,
      key,
      inputHash: hashInput(input),
      create: (made) => ({ ...input, ...made }),
      find: () =>
        this.orm.em.fork().findOne(CommentEntity, { authorId: author.accountId, projectId, idempotencyKey: key }),
    });
  }

  /** Throws NOT_FOUND, FORBIDDEN, CONFLICT (VERSION). */
  async edit(
    viewer: Principal,
    id: string,
    changes: CommentChanges,
    version: number | null | undefined,
  ): Promise<Comment> {
    return this.log.transaction(async ({ em, record }) => {
      const [place] = await em.execute<{ id: string }[]>('select project_id as id from comment where id = ?', [id]);
      if (!place) throw new NotFoundError('Comment');
      const at = await lockProjectShared(em, viewer, place.id, ProjectRole.VIEWER);
      const lockMode = LockMode.PESSIMISTIC_WRITE;
      const comment = await em.findOne(CommentEntity, { id }, { lockMode, populate: ['mentioned'] });
      if (!comment) throw new NotFoundError('Comment');
      assertVersion(comment.version, version);
      const before = { text: comment.body, mentioned: comment.mentioned };
      em.assign(comment, { ...changes, version: comment.version + 1, editedAt: new Date(at) });
      const { fresh, mentioned } = await mentionsIn(em, place.id, comment.body, before);
      comment.mentioned = mentioned;
      record(projectEvent(viewer, place.id, ProjectEventKind.COMMENT_EDITED, { subjectId: id, ...mentioning(fresh) }));
      return comment;
    });
  }

  /** Removes a comment permanently. Throws NOT_FOUND, FORBIDDEN. */
  async remove(viewer: Principal, id: string, { address }: ClientInfo): Promise<string> {
    return this.log.transaction(async ({ em, record }) => {
      const comment = await em.findOne(CommentEntity, { id });
      const own = comment?.authorId === viewer.accountId ? ProjectRole.VIEWER : ProjectRole.OWNER;
      if (comment) await lockProjectShared(em, viewer, comment.projectId, own);
      if (!comment || (await em.nativeDelete(CommentEntity, { id })) === 0) throw new NotFoundError('Comment');
      const details = { projectId: comment.projectId, authorId: comment.authorId };
      const [subject, actorId] = [{ kind: 'comment', id }, viewer.accountId];
      await this.audit.record(em, {
        action: 'COMMENT_REMOVED',
        outcome: 'SUCCESS',
        actorId,
        subject,
        address,
        details,
      });
      record(projectEvent(viewer, comment.projectId, ProjectEventKind.COMMENT_REMOVED, { subjectId: id }));
      return id;
    });
  }
}
