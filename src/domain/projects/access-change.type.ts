// `AccessChange`: what an account may do has changed, as the API shows it.
import { Field, ID, ObjectType } from '@nestjs/graphql';
import { Role } from '../../engine/access/role.js';
import { ProjectRole } from './project-role.js';

@ObjectType({
  description: 'What the account may do has changed: in one project, or everywhere. It is shown as it is now.',
})
export class AccessChange {
  @Field(() => String, { description: 'Place in the log: `after: …` with it continues right behind this change.' })
  cursor!: string;

  @Field(() => ID, {
    nullable: true,
    description:
      'The project that was gained, is seen in another role, or was lost; null: the role of the account changed.',
  })
  projectId!: string | null;

  @Field(() => ProjectRole, {
    nullable: true,
    description: 'What the account may do in that project now, capped by its own role; null if it is lost.',
  })
  role!: ProjectRole | null;

  @Field(() => Role, { description: 'The role of the account now.' })
  accountRole!: Role;
}
