// What the domain tells the engine: its tables, its rights, what it stores because of events, its words in the schema.
import { databaseContent } from './database-content.js';
import { domainAuditActions } from './domain/audit-actions.js';
import { engineDescriptions } from './domain/engine-descriptions.js';
import { consequencesOfEvents } from './domain/notifications/consequences-of-events.js';
import { projectRights } from './domain/projects/project-events.js';
import type { Domain } from './engine/engine.module.js';

/** `rateLimits`: whether notifications of one account are limited. */
export const domainOf = (rateLimits: boolean): Domain => ({
  content: databaseContent,
  rights: projectRights,
  consequences: consequencesOfEvents(rateLimits),
  auditActions: domainAuditActions,
  descriptions: engineDescriptions,
});
