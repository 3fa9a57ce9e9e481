// `watching`: the viewers of projects, without being counted as one.
import { Args, Context, ID, Int, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { SignedIn } from '../../engine/access/policies.js';
import { accountById } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { CountedAs, Input } from '../../engine/graphql/schema/field-rules.js';
import { id } from '../../engine/graphql/schema/input-text.js';
import { PresenceTracker } from '../../engine/realtime/presence/presence-tracker.js';
import { projectById } from '../projects/project.loader.js';
import { effectiveProjectRole } from '../projects/project-role.js';
import { MAX_ASKED, MAX_NAMED_OF_EACH, Watching } from './presence.type.js';

interface Watched {
  readonly projectId: string;
  readonly accountIds: readonly string[];
}

@Resolver(() => Watching)
export class WatchingResolver {
  constructor(private readonly tracker: PresenceTracker) {}

  @SignedIn()
  @CountedAs(MAX_ASKED)
  @Input(z.object({ projectIds: z.array(id).max(MAX_ASKED, `names at most ${MAX_ASKED} projects`) }))
  @Query(() => [Watching], {
    description:
      'The viewers of projects, as in `presenceChanged`, without counting the caller as one. Invisible projects are omitted.',
  })
  async watching(
    @Context() context: OperationContext,
    @Args('projectIds', { type: () => [ID], description: `Ids of up to ${MAX_ASKED} projects.` })
    projectIds: readonly string[],
  ): Promise<Watched[]> {
    const { rights } = context.viewer;
    const visible = [...new Set(projectIds)].filter((projectId) => effectiveProjectRole(rights, projectId));
    const found = await Promise.all(visible.map((projectId) => context.load(projectById, projectId)));
    const present = found.flatMap((project) => (project && !project.deletedAt ? project.id : []));
    if (present.length === 0) return [];
    const watchers = await this.tracker.watchersOf(context, present);
    return present.map((projectId, at) => ({ projectId, accountIds: watchers[at] ?? [] }));
  }

  @ResolveField(() => Int)
  count({ accountIds }: Watched): number {
    return accountIds.length;
  }

  @ResolveField(() => [User])
  async viewers({ accountIds }: Watched, _args: unknown, context: OperationContext) {
    const named = accountIds.slice(0, MAX_NAMED_OF_EACH);
    const accounts = await Promise.all(named.map((accountId) => context.load(accountById, accountId)));
    return accounts.filter((account) => account !== undefined);
  }
}
