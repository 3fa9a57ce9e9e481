// Which events of the log a subscriber of projects is given, under the rights it has at that moment.
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../engine/access/role.js';
import { Hub } from '../../engine/realtime/hub.js';
import type { Member, SubscriptionRequest } from '../../engine/realtime/member.js';
import { PresenceTracker } from '../../engine/realtime/presence-tracker.js';
import { DeletedProjects } from '../projects/deleted-projects.js';
import { ProjectEventKind } from '../projects/project-events.js';
import { forbidden } from '../projects/project.policies.js';
import { effectiveProjectRole, PROJECT_RESOURCE, ProjectRole } from '../projects/project-role.js';
import { LagPolicy } from './project-event.type.js';

/** Which events, beside those of which projects. */
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

  /** Events of one project. Ends with FORBIDDEN when the viewer loses it, or it is deleted. */
  ofProject(viewer: Principal, projectId: string, options: FeedOptions): Promise<Member> {
    const watching = () => this.presence.watch(projectId, viewer.accountId);
    return this.open(viewer, options, { id: projectId, watching }, (event, rights) => {
      const visible = effectiveProjectRole(rights, projectId) && !this.deleted.has(projectId);
      if (!visible) return forbidden(ProjectRole.VIEWER);
      return event.resource.kind === PROJECT_RESOURCE && event.resource.id === projectId ? 'give' : 'skip';
    });
  }

  /** Events of every project that the viewer may see now. Of one that is deleted an ADMIN is told that, and nothing else. */
  async ofAll(viewer: Principal, options: FeedOptions): Promise<Member> {
    await this.deleted.known();
    return this.open(viewer, options, {}, (event, rights) => {
      if (event.resource.kind !== PROJECT_RESOURCE || !effectiveProjectRole(rights, event.resource.id)) return 'skip';
      const gone = this.deleted.has(event.resource.id) && event.kind !== ProjectEventKind.PROJECT_DELETED;
      return gone ? 'skip' : 'give';
    });
  }

  private open(
    viewer: Principal,
    { after, includeOwn, onLag }: FeedOptions,
    { id, watching }: { readonly id?: string; readonly watching?: () => () => void },
    judge: SubscriptionRequest['judge'],
  ): Promise<Member> {
    return this.hub.subscribe({
      viewer,
      after,
      resource: id === undefined ? { kind: PROJECT_RESOURCE } : { kind: PROJECT_RESOURCE, id },
      judge: (includeOwn ?? true) ? judge : othersOnly(viewer, judge),
      steady: id !== undefined && (includeOwn ?? true),
      latestOnLag: onLag === LagPolicy.LATEST,
      ...(watching ? { watching } : {}),
    });
  }
}

/** The same, without what the viewer's own session has caused. */
function othersOnly(viewer: Principal, judge: SubscriptionRequest['judge']): SubscriptionRequest['judge'] {
  return (event, rights) => {
    const verdict = judge(event, rights);
    return verdict === 'give' && event.sessionId === viewer.sessionId ? 'skip' : verdict;
  };
}
