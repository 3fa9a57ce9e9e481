// `presenceChanged`.
import { Args, ID, Resolver, Subscription } from '@nestjs/graphql';
import { z } from 'zod';
import { notYet } from '../../engine/errors/not-yet.js';
import { Input } from '../../engine/graphql/field-rules.js';
import { id } from '../../engine/graphql/input-text.js';
import { byProjectId, RequiresProjectRole } from '../projects/project.policies.js';
import { ProjectRole } from '../projects/project-role.js';
import { Presence } from './presence.type.js';

@Resolver(() => Presence)
export class PresenceResolver {
  @RequiresProjectRole(ProjectRole.VIEWER, byProjectId('projectId'))
  @Input(z.object({ projectId: id }))
  @Subscription(() => Presence, { description: 'Who is watching a project, now and whenever that changes.' })
  presenceChanged(
    @Args('projectId', { type: () => ID, description: 'Id of the project.' }) _projectId: string,
  ): AsyncIterable<Presence> {
    return notYet('Presence');
  }
}
