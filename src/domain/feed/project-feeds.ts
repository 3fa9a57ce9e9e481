// Decides which events a subscriber of projects receives, under its current rights.
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../engine/access/role.js';
import { Hub } from '../../engine/realtime/fan-out/hub.js';
import type { Subscriber, SubscriptionRequest } from '../../engine/realtime/fan-out/subscriber.js';
import { PresenceTracker } from '../../engine/realtime/presence/presence-tracker.js';
import { DeletedProjects } from '../projects/deleted-projects.js';
import { isKnown, ProjectEventKind } from '../projects/project-events.js';
import { forbidden } from '../projects/project.policies.js';
import { effectiveProjectRole, PROJECT_RESOURCE, ProjectRole } from '../projects/project-role.js';
import { LagPolicy } from './project-event.type.js';

/** The event filter, and the projects it applies to. */
export interface FeedOptions {
  readonly after?: string | null | undefined;
  readonly includeOwn?: boolean | null | undefined;
  readonly onLag?: LagPolicy | null | undefined;
}

@Injectable()
export class ProjectFeeds {
  constructor(
    private readonly hub: Hub,
    private readonly presence: PresenceTracker,
    private readonly deleted: DeletedProjects,
  ) {}

  /** Events of one project. Ends with FORBIDDEN when the viewer loses access or the project is deleted. */
  ofProject(viewer: Principal, projectId: string, options: FeedOptions): Promise<Subscriber> {
    const onBegin = () => this.presence.watch(projectId, viewer.accountId);
    return this.open(viewer, options, { id: projectId, onBegin }, (event, rights) => {
      const visible = effectiveProjectRole(rights, projectId) && !this.deleted.has(projectId);
      if (!visible) return forbidden(ProjectRole.VIEWER);
      return event.resource.kind === PROJECT_RESOURCE && event.resource.id === projectId ? 'deliver' : 'skip';
    });
  }

  /** Events of every project that the viewer may see now. Of a deleted project, ADMINs receive the deletion only. */
  async ofAll(viewer: Principal, options: FeedOptions): Promise<Subscriber> {
    await this.deleted.known();
    return this.open(viewer, options, {}, (event, rights) => {
      if (event.resource.kind !== PROJECT_RESOURCE || !effectiveProjectRole(rights, event.resource.id)) return 'skip';
      const gone = this.deleted.has(event.resource.id) && event.kind !== ProjectEventKind.PROJECT_DELETED;
      return gone ? 'skip' : 'deliver';
    });
  }

  private open(
    viewer: Principal,
    { after, includeOwn, onLag }: FeedOptions,
    { id, onBegin }: { readonly id?: string; readonly onBegin?: () => () => void },
    judge: SubscriptionRequest['judge'],
  ): Promise<Subscriber> {
    return this.hub.subscribe({
      viewer,
      after,
      resource: { kind: PROJECT_RESOURCE, knows: isKnown, ...(id === undefined ? {} : { id }) },
      judge: (includeOwn ?? true) ? judge : othersOnly(viewer, judge),
      rightsOnly: id !== undefined && (includeOwn ?? true),
      latestOnLag: onLag === LagPolicy.LATEST,
      ...(onBegin ? { onBegin } : {}),
    });
  }
}

/** The same, without events caused by the viewer's own session. */
function othersOnly(viewer: Principal, judge: SubscriptionRequest['judge']): SubscriptionRequest['judge'] {
  return (event, rights) => {
    const verdict = judge(event, rights);
    return verdict === 'deliver' && event.sessionId === viewer.sessionId ? 'skip' : verdict;
  };
}
