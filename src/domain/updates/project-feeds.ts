// Which events of the log a subscriber of projects is given, under the rights it has at that moment.
import { Injectable } from '@nestjs/common';
import type { AccountRights, Principal } from '../../engine/access/role.js';
import { ForbiddenError } from '../../engine/errors/service-error.js';
import type { LogEvent } from '../../engine/events/log-event.js';
import type { Feed } from '../../engine/realtime/feed.js';
import { Hub } from '../../engine/realtime/hub.js';
import { PresenceTracker } from '../../engine/realtime/presence-tracker.js';
import { ProjectEventKind } from '../projects/project-events.js';
import { effectiveProjectRole, PROJECT_RESOURCE, ProjectRole } from '../projects/project-role.js';

type Cursor = string | null | undefined;

@Injectable()
export class ProjectFeeds {
  constructor(
    private readonly hub: Hub,
    private readonly presence: PresenceTracker,
  ) {}

  /** Events of one project. Ends with FORBIDDEN when the viewer loses it, or it is deleted. */
  ofProject(viewer: Principal, projectId: string, after: Cursor, includeOwn: boolean): Promise<Feed> {
    return this.hub.subscribe({
      viewer,
      after,
      watching: () => this.presence.watch(projectId, viewer.accountId),
      judge: (event, rights) => {
        const here = event.resource.kind === PROJECT_RESOURCE && event.resource.id === projectId;
        const deleted = here && event.kind === ProjectEventKind.PROJECT_DELETED;
        if (deleted || !effectiveProjectRole(rights, projectId)) return new ForbiddenError(ProjectRole.VIEWER);
        return here && (includeOwn || !isOwn(event, viewer)) ? 'give' : 'skip';
      },
    });
  }

  /** Events of every project that the viewer may see when they happen. */
  ofAll(viewer: Principal, after: Cursor, includeOwn: boolean): Promise<Feed> {
    return this.hub.subscribe({
      viewer,
      after,
      judge: (event, rights) => (isVisible(event, rights) && (includeOwn || !isOwn(event, viewer)) ? 'give' : 'skip'),
    });
  }
}

function isVisible(event: LogEvent, rights: AccountRights): boolean {
  return event.resource.kind === PROJECT_RESOURCE && effectiveProjectRole(rights, event.resource.id) !== undefined;
}

function isOwn(event: LogEvent, viewer: Principal): boolean {
  return event.sessionId === viewer.sessionId;
}
