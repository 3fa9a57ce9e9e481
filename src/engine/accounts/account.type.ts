// `User`: an account as the API shows it.
import { Field, ID, ObjectType, registerEnumType } from '@nestjs/graphql';
import { SelfOrRole } from '../access/policies.js';
import { Role } from '../access/role.js';
import { connectionType } from '../graphql/pagination/connection.js';

registerEnumType(Role, {
  name: 'Role',
  description: 'Role of an account in the installation. Each role includes the ones before it.',
  valuesMap: {
    USER: { description: 'The role of new accounts.' },
    EDITOR: { description: 'An editor: also what the domain allows editors.' },
    ADMIN: { description: 'Administers accounts and sees everything.' },
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

  @Field(() => Role, { description: 'Role in the installation.' })
  role!: Role;

  @Field({ description: 'Time of creation.' })
  createdAt!: Date;
}

@ObjectType({ description: 'A page of accounts.' })
export class UserConnection extends connectionType(() => User, 'User') {}
