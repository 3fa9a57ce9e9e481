// Tables of updates and comments. A unique client key makes repeated mutations idempotent.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { Health } from '../projects/health.js';

export const UpdateEntity = defineEntity({
  name: 'ProjectUpdate',
  tableName: 'project_update',
  properties: {
    id: p.uuid().primary(),
    projectId: p.uuid(),
    authorId: p.uuid(),
    title: p.text(),
    body: p.text(),
    health: p.enum(() => Health),
    internalNote: p.text().nullable(),
    version: p.integer(),
    idempotencyKey: p.text().nullable(),
    inputHash: p.blob().$type<Buffer>().nullable(),
    /** Accounts mentioned since it was posted. Read by edits only. */
    mentioned: p.array().columnType('uuid[]').lazy(),
    createdAt: p.datetime(3),
    editedAt: p.datetime(3).nullable(),
  },
});

export const CommentEntity = defineEntity({
  name: 'Comment',
  tableName: 'comment',
  properties: {
    id: p.uuid().primary(),
    projectId: p.uuid(),
    updateId: p.uuid().nullable(),
    authorId: p.uuid(),
    body: p.text(),
    version: p.integer(),
    idempotencyKey: p.text().nullable(),
    inputHash: p.blob().$type<Buffer>().nullable(),
    /** Accounts mentioned since it was posted. Read by edits only. */
    mentioned: p.array().columnType('uuid[]').lazy(),
    createdAt: p.datetime(3),
    editedAt: p.datetime(3).nullable(),
  },
});

export type Update = InferEntity<typeof UpdateEntity>;
export type Comment = InferEntity<typeof CommentEntity>;
