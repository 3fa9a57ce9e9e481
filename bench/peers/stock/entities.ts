// The tables, as managed entities with relations.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

export enum Role {
  USER = 'USER',
  EDITOR = 'EDITOR',
  ADMIN = 'ADMIN',
}

export enum ProjectRole {
  VIEWER = 'VIEWER',
  EDITOR = 'EDITOR',
  OWNER = 'OWNER',
}

export enum Health {
  ON_TRACK = 'ON_TRACK',
  AT_RISK = 'AT_RISK',
  OFF_TRACK = 'OFF_TRACK',
}

export const AccountEntity = defineEntity({
  name: 'Account',
  properties: {
    id: p.uuid().primary(),
    email: p.text().nullable(),
    name: p.text(),
    role: p.enum(() => Role),
    passwordHash: p.text().nullable().lazy(),
    disabledAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
  },
});

export const RefreshTokenEntity = defineEntity({
  name: 'RefreshToken',
  properties: {
    id: p.uuid().primary(),
    account: () => p.manyToOne(AccountEntity),
    /** The tokens that one sign-in has led to. */
    family: p.uuid(),
    /** SHA-256 of the token. */
    hash: p.text(),
    expiresAt: p.datetime(3),
    usedAt: p.datetime(3).nullable(),
  },
});

export const ProjectEntity = defineEntity({
  name: 'Project',
  properties: {
    id: p.uuid().primary(),
    key: p.text(),
    name: p.text(),
    description: p.text(),
    budget: p.decimal('number').nullable(),
    version: p.integer(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    deletedAt: p.datetime(3).nullable(),
    members: () => p.oneToMany(ProjectMemberEntity).mappedBy('project'),
  },
});

export const ProjectMemberEntity = defineEntity({
  name: 'ProjectMember',
  properties: {
    id: p.uuid().primary(),
    project: () => p.manyToOne(ProjectEntity),
    account: () => p.manyToOne(AccountEntity),
    role: p.enum(() => ProjectRole),
    createdAt: p.datetime(3),
  },
});

export const ProjectUpdateEntity = defineEntity({
  name: 'ProjectUpdate',
  properties: {
    id: p.uuid().primary(),
    project: () => p.manyToOne(ProjectEntity),
    author: () => p.manyToOne(AccountEntity),
    title: p.text(),
    body: p.text(),
    health: p.enum(() => Health),
    internalNote: p.text().nullable(),
    version: p.integer(),
    createdAt: p.datetime(3),
    editedAt: p.datetime(3).nullable(),
  },
});

export const CommentEntity = defineEntity({
  name: 'Comment',
  properties: {
    id: p.uuid().primary(),
    project: () => p.manyToOne(ProjectEntity),
    author: () => p.manyToOne(AccountEntity),
    body: p.text(),
    version: p.integer(),
    createdAt: p.datetime(3),
    editedAt: p.datetime(3).nullable(),
  },
});

export type Account = InferEntity<typeof AccountEntity>;
export type Project = InferEntity<typeof ProjectEntity>;
export type ProjectMember = InferEntity<typeof ProjectMemberEntity>;
export type ProjectUpdate = InferEntity<typeof ProjectUpdateEntity>;
export type Comment = InferEntity<typeof CommentEntity>;
