// Updates and comments as the API shows them.
import { Field, Int, ObjectType } from '@nestjs/graphql';
import { connectionType } from '../../engine/graphql/connection.js';
import { LongText } from '../../engine/graphql/field-rules.js';
import { Node } from '../../engine/graphql/node.type.js';
import { byParent, RequiresProjectRole } from '../projects/project.policies.js';
import { ProjectRole } from '../projects/project-role.js';
import { Health } from '../projects/health.js';
import type { Update as UpdateRow } from './update.entity.js';

@ObjectType({ implements: () => [Node], description: 'What a team tells about its project at one time.' })
export class ProjectUpdate extends Node {
  @Field({ description: 'One line.' })
  title!: string;

  @LongText(20_000)
  @Field({ description: 'The text; may be empty.' })
  body!: string;

  @Field(() => Health, { description: 'How the project was doing.' })
  health!: Health;

  @LongText(4_000)
  @RequiresProjectRole(ProjectRole.EDITOR, byParent((update: UpdateRow) => update.projectId))
  @Field(() => String, {
    nullable: true,
    description: 'What only those who edit the project read; null if there is nothing.',
  })
  internalNote!: string | null;

  @Field(() => Int, {
    description: 'Grows with every edit. Send it with `editUpdate`, and nobody else’s edit is overwritten.',
  })
  version!: number;

  @Field({ description: 'When it was posted.' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When it was last edited; null if never.' })
  editedAt!: Date | null;
}

@ObjectType({ description: 'A page of updates.' })
export class ProjectUpdateConnection extends connectionType(() => ProjectUpdate, 'ProjectUpdate') {}

@ObjectType({
  implements: () => [Node],
  description: 'A message in the chat of a project, or about one of its updates.',
})
export class Comment extends Node {
  @LongText(4_000)
  @Field({ description: 'The text.' })
  body!: string;

  @Field(() => Int, {
    description: 'Grows with every edit. Send it with `editComment`, and no other edit is overwritten.',
  })
  version!: number;

  @Field({ description: 'When it was posted.' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When it was last edited; null if never.' })
  editedAt!: Date | null;
}

@ObjectType({ description: 'A page of comments.' })
export class CommentConnection extends connectionType(() => Comment, 'Comment') {}
