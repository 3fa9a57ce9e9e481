// What the domain brings to an installation that only administers: its tables, its rights, what it stores because of events.
import type { Domain } from './cli/cli.module.js';
import { databaseContent } from './database-content.js';
import { consequencesOfEvents } from './domain/notifications/consequences-of-events.js';
import { projectRights } from './domain/projects/project-events.js';

export const domainParts: Domain = {
  content: databaseContent,
  rights: projectRights,
  consequences: consequencesOfEvents(false),
};
