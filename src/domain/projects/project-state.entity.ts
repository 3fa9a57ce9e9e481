// Tables that PostgreSQL keeps as the log goes on: the state of each project that is not deleted, and what was posted on each day.
import { defineEntity, p } from '@mikro-orm/core';

export const ProjectStateEntity = defineEntity({
  name: 'ProjectState',
  tableName: 'project_state',
  properties: {
    projectId: p.uuid().primary(),
    healthRank: p.smallint(),
    latestUpdateId: p.uuid(),
  },
});

export const ProjectActivityEntity = defineEntity({
  name: 'ProjectActivity',
  tableName: 'project_activity',
  properties: {
    projectId: p.uuid().primary(),
    day: p.date().primary(),
    updates: p.integer(),
    comments: p.integer(),
  },
});
