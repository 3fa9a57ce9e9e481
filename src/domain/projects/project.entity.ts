// Tables of projects and members. Deletion is soft: events still refer to deleted projects.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import { ProjectRole } from './project-role.js';

export const ProjectEntity = defineEntity({
  name: 'Project',
  tableName: 'project',
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
    members: () => p.oneToMany(ProjectMemberEntity).mappedBy('projectId'),
  },
});

export const ProjectMemberEntity = defineEntity({
  name: 'ProjectMember',
  tableName: 'project_member',
  properties: {
    id: p.uuid().primary(),
    projectId: () => p.manyToOne(ProjectEntity).mapToPk().joinColumn('project_id'),
    accountId: p.uuid(),
    role: p.enum(() => ProjectRole),
    createdAt: p.datetime(3),
  },
});

export type Project = InferEntity<typeof ProjectEntity>;
export type ProjectMember = InferEntity<typeof ProjectMemberEntity>;
