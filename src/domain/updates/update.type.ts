// Updates and comments as the API shows them.
import { Field, Int, ObjectType } from '@nestjs/graphql';
import { connectionType } from '../../engine/graphql/pagination/connection.js';
import { LongText } from '../../engine/graphql/schema/field-rules.js';
import { Node } from '../../engine/graphql/schema/node.type.js';
import { byParent, RequiresProjectRole } from '../projects/project.policies.js';
import { ProjectRole } from '../projects/project-role.js';
import { Health } from '../projects/health.js';
import type { UpdateRow } from './update.loader.js';

@ObjectType({ implements: () => [Node], description: 'A status update of a project.' })
export class ProjectUpdate extends Node {
  @Field({ description: 'One line.' })
  title!: string;

  @LongText(20_000)
  @Field({ description: 'The text; may be empty.' })
  body!: string;

  @Field(() => Health, { description: 'Health of the project.' })
  health!: Health;

  @LongText(4_000)
  @RequiresProjectRole(ProjectRole.EDITOR, byParent((update: UpdateRow) => update.projectId))
  @Field(() => String, {
    nullable: true,
    description: 'Note visible to EDITORs only; null if empty.',
  })
  internalNote!: string | null;

  @Field(() => Int, {
    description: 'Increases with every edit. Send it with `editUpdate` to detect concurrent edits.',
  })
  version!: number;

  @Field({ description: 'Time of posting.' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Time of the last edit; null if never edited.' })
  editedAt!: Date | null;
}

@ObjectType({ description: 'A page of updates.' })
export class ProjectUpdateConnection extends connectionType(() => ProjectUpdate, 'ProjectUpdate') {}

@ObjectType({
  implements: () => [Node],
  description: 'A message in the chat of a project, or on one of its updates.',
})
export class Comment extends Node {
  @LongText(4_000)
  @Field({ description: 'The text.' })
  body!: string;

  @Field(() => Int, {
    description: 'Increases with every edit. Send it with `editComment` to detect concurrent edits.',
  })
  version!: number;

  @Field({ description: 'Time of posting.' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Time of the last edit; null if never edited.' })
  editedAt!: Date | null;
}

@ObjectType({ description: 'A page of comments.' })
export class CommentConnection extends connectionType(() => Comment, 'Comment') {}
