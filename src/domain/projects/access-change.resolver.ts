// `accessChanged`: the changes of what an account may do, each at its place in the log.
import { Args, Context, Parent, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { SignedIn } from '../../engine/access/policies.js';
import { ACCOUNT_RESOURCE, Rights } from '../../engine/access/rights.js';
import { Role } from '../../engine/access/role.js';
import { DeliveryArguments } from '../../engine/access/sharing.js';
import { encodeCursor } from '../../engine/events/cursor.js';
import type { LogEvent } from '../../engine/events/log-event.js';
import { Input } from '../../engine/graphql/field-rules.js';
import { cursor } from '../../engine/graphql/input-text.js';
import { Hub } from '../../engine/realtime/hub.js';
import { accessChangedBy } from './access-of-events.js';
import { AccessChange } from './access-change.type.js';
import { DeletedProjects } from './deleted-projects.js';
import { effectiveProjectRole, ProjectRole } from './project-role.js';

/** Every subscriber of an event is of this one account. */
const shown = (event: LogEvent) => ({
  cursor: encodeCursor(event),
  accountId: event.resource.id,
  projectId: accessChangedBy(event)?.projectId ?? null,
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
      'Projects that the account gains, sees in another role or loses, and changes of its own role, in order, none missing. ' +
      '`projectsUpdated` just goes silent about a project that is lost. An ADMIN, who sees every project, is told of memberships alone.',
  })
  async accessChanged(
    @Context() { viewer }: OperationContext,
    @Args('after', {
      type: () => String,
      nullable: true,
      description:
        'Cursor of the last event that you know: what came after it is sent first. `CURSOR_EXPIRED` if it is gone.',
    })
    after: string | null,
  ) {
    await this.deleted.known();
    return this.hub.subscribe({
      viewer,
      after,
      resource: { kind: ACCOUNT_RESOURCE, id: viewer.accountId },
      judge: (event) => (event.resource.id === viewer.accountId && accessChangedBy(event) ? 'give' : 'skip'),
    });
  }

  @ResolveField(() => ProjectRole)
  async role(@Parent() { accountId, projectId }: ShownChange) {
    const rights = await this.rights.of(accountId);
    return rights && projectId && !this.deleted.has(projectId) ? effectiveProjectRole(rights, projectId) : null;
  }

  @ResolveField(() => Role)
  async accountRole(@Parent() { accountId }: ShownChange) {
    return (await this.rights.of(accountId))?.role;
  }
}
