// `presenceChanged`, and the fields of its messages.
import { Args, Context, ID, Int, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { accountById, type AccountRow } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { Input } from '../../engine/graphql/schema/field-rules.js';
import { id } from '../../engine/graphql/schema/input-text.js';
import type { PresenceState } from '../../engine/realtime/presence/presence-room.js';
import { PresenceTracker } from '../../engine/realtime/presence/presence-tracker.js';
import { ProjectEventKind } from '../projects/project-events.js';
import { byProjectId, forbidden, RequiresProjectRole } from '../projects/project.policies.js';
import { effectiveProjectRole, ProjectRole } from '../projects/project-role.js';
import { MAX_NAMED, Presence } from './presence.type.js';

@Resolver(() => Presence)
export class PresenceResolver {
  constructor(private readonly tracker: PresenceTracker) {}

  @RequiresProjectRole(ProjectRole.VIEWER, byProjectId('projectId'))
  @Input(z.object({ projectId: id }))
  @Subscription(() => Presence, {
    resolve: (state: PresenceState) => state,
    description:
      'The viewers of a project, now and after each change; changes within a short time are combined. Ends with `FORBIDDEN` ' +
      'when access to the project is lost.',
  })
  presenceChanged(
    @Context() { viewer: { accountId, rights } }: OperationContext,
    @Args('projectId', { type: () => ID, description: 'Id of the project.' }) projectId: string,
  ) {
    return this.tracker.subscribe({
      resourceId: projectId,
      accountId,
      judge: ({ resource, kind }) => {
        const deleted = resource.id === projectId && kind === ProjectEventKind.PROJECT_DELETED;
        return deleted || !effectiveProjectRole(rights, projectId) ? forbidden(ProjectRole.VIEWER) : undefined;
      },
    });
  }

  @ResolveField(() => [User])
  viewers(state: PresenceState) {
    return named(state, state.watchers);
  }

  @ResolveField(() => Int)
  count({ watchers }: PresenceState) {
    return watchers.length;
  }

  @ResolveField(() => [User])
  joined(state: PresenceState) {
    const known = new Set(state.before ?? state.watchers);
    return named(
      state,
      state.watchers.filter((watcher) => !known.has(watcher)),
    );
  }

  @ResolveField(() => [User])
  left(state: PresenceState) {
    const present = new Set(state.watchers);
    return named(
      state,
      (state.before ?? []).filter((watcher) => !present.has(watcher)),
    );
  }
}

async function named({ load }: PresenceState, accountIds: readonly string[]): Promise<readonly AccountRow[]> {
  const accounts = await Promise.all(accountIds.slice(0, MAX_NAMED).map((accountId) => load(accountById, accountId)));
  return accounts.filter((account) => account !== undefined);
}
