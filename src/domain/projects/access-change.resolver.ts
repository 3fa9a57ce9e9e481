// `accessChanged`: changes of an account's rights, in log order.
import { Args, Context, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { SignedIn } from '../../engine/access/policies.js';
import { ACCOUNT_RESOURCE, Rights } from '../../engine/access/rights.js';
import { Role } from '../../engine/access/role.js';
import { DeliveryArguments } from '../../engine/access/sharing.js';
import { encodeCursor } from '../../engine/events/cursor.js';
import type { LogEvent } from '../../engine/events/log-event.js';
import { Input } from '../../engine/graphql/schema/field-rules.js';
import { cursor } from '../../engine/graphql/schema/input-text.js';
import { Hub } from '../../engine/realtime/fan-out/hub.js';
import { changesAccess, projectIdOf } from './access-of-events.js';
import { AccessChange } from './access-change.type.js';
import { DeletedProjects } from './deleted-projects.js';
import { effectiveProjectRole, ProjectRole } from './project-role.js';

/** All subscribers of an event have this one account. */
const shown = (event: LogEvent) => ({
  cursor: encodeCursor(event),
  accountId: event.resource.id,
  projectId: projectIdOf(event),
});
type ShownChange = ReturnType<typeof shown>;

@Resolver(() => AccessChange)
export class AccessChangeResolver {
  constructor(
    private readonly hub: Hub,
    private readonly rights: Rights,
    private readonly deleted: DeletedProjects,
  ) {}

  @SignedIn()
  @Input(z.object({ after: cursor.nullish() }))
  @DeliveryArguments('after')
  @Subscription(() => AccessChange, {
    resolve: shown,
    description:
      'Projects that the account gains, sees in another role or loses, and changes of its own role, in order and without loss. ' +
      '`projectsUpdated` silently omits lost projects. An ADMIN, who sees every project, receives changes of memberships only.',
  })
  async accessChanged(
    @Context() { viewer }: OperationContext,
    @Args('after', {
      type: () => String,
      nullable: true,
      description:
        'Cursor of the last known event: later ones are sent first. `CURSOR_EXPIRED` if it was removed from the log.',
    })
    after: string | null,
  ) {
    await this.deleted.known();
    return this.hub.subscribe({
      viewer,
      after,
      resource: { kind: ACCOUNT_RESOURCE, id: viewer.accountId },
      judge: (event, rights) =>
        event.resource.id === viewer.accountId && changesAccess(event, rights) ? 'deliver' : 'skip',
    });
  }

  @ResolveField(() => ProjectRole)
  async role({ accountId, projectId }: ShownChange) {
    const rights = await this.rights.of(accountId);
    return rights && projectId && !this.deleted.has(projectId) ? effectiveProjectRole(rights, projectId) : null;
  }

  @ResolveField(() => Role)
  async accountRole({ accountId }: ShownChange) {
    return (await this.rights.of(accountId))?.role;
  }
}
