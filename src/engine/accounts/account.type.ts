// `User`: an account as the API shows it.
import { Field, ID, ObjectType, registerEnumType } from '@nestjs/graphql';
import { SelfOrRole } from '../access/policies.js';
import { Role } from '../access/role.js';
import { connectionType } from '../graphql/connection.js';

registerEnumType(Role, {
  name: 'Role',
  description: 'What an account may do anywhere; each role includes the ones before it.',
  valuesMap: {
    USER: { description: 'Reads and comments in projects it is a member of.' },
    EDITOR: { description: 'Also creates projects, and edits those in which it is EDITOR or OWNER.' },
    ADMIN: { description: 'Sees and owns every project, administers accounts.' },
  },
});

@ObjectType({ description: 'A person with an account, or the system itself.' })
export class User {
  @Field(() => ID, { description: 'Never changes.' })
  id!: string;

  @Field({ description: 'The name that others see.' })
  name!: string;

  @SelfOrRole(Role.ADMIN, (user: User) => user.id)
  @Field(() => String, { nullable: true, description: 'The e-mail address that the account signs in with.' })
  email!: string | null;

  @Field(() => Role, { description: 'What the account may do anywhere.' })
  role!: Role;

  @Field({ description: 'When the account was made.' })
  createdAt!: Date;
}

@ObjectType({ description: 'A page of accounts.' })
export class UserConnection extends connectionType(() => User, 'User') {}
