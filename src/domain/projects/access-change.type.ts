// `AccessChange`: a change of an account's rights, as the API shows it.
import { Field, ID, ObjectType } from '@nestjs/graphql';
import { Role } from '../../engine/access/role.js';
import { ProjectRole } from './project-role.js';

@ObjectType({
  description:
    'A change of the account’s rights in one project or in the installation. Roles are shown in their current state.',
})
export class AccessChange {
  @Field(() => String, { description: 'Position in the log: pass it as `after` to resume behind this change.' })
  cursor!: string;

  @Field(() => ID, {
    nullable: true,
    description: 'The project that was gained, changed role, or was lost; null: the role of the account changed.',
  })
  projectId!: string | null;

  @Field(() => ProjectRole, {
    nullable: true,
    description: 'The current role in that project, capped by the role of the account; null if access was lost.',
  })
  role!: ProjectRole | null;

  @Field(() => Role, { description: 'The current role of the account.' })
  accountRole!: Role;
}
