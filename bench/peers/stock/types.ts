// Code-first schema with the names of Tidings: the part that the benchmark uses.
import { ArgsType, Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Type } from '@nestjs/common';
import { Health, ProjectRole, Role } from './entities.js';

registerEnumType(Role, { name: 'Role' });
registerEnumType(ProjectRole, { name: 'ProjectRole' });
registerEnumType(Health, { name: 'Health' });

@ArgsType()
export class PageArgs {
  @Field(() => Int, { nullable: true })
  first?: number;

  @Field(() => String, { nullable: true })
  after?: string;
}

@ObjectType()
export class PageInfo {
  @Field()
  hasNextPage!: boolean;

  @Field()
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true })
  startCursor!: string | null;

  @Field(() => String, { nullable: true })
  endCursor!: string | null;
}

export interface Connection<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfo;
}

function connectionOf<T extends object>(node: Type<T>, name: string): Type<Connection<T>> {
  @ObjectType(`${name}Edge`)
  class Edge {
    @Field()
    cursor!: string;

    @Field(() => node)
    node!: T;
  }

  @ObjectType({ isAbstract: true })
  class Page {
    @Field(() => [Edge])
    edges!: Edge[];

    @Field(() => [node])
    nodes!: T[];

    @Field(() => PageInfo)
    pageInfo!: PageInfo;
  }
  return Page;
}

@ObjectType()
export class User {
  @Field(() => ID)
  id!: string;

  @Field()
  name!: string;

  @Field(() => String, { nullable: true })
  email?: string | null;

  @Field(() => Role)
  role!: Role;

  @Field()
  createdAt!: Date;
}

@ObjectType()
export class ProjectMember {
  @Field(() => ProjectRole)
  role!: ProjectRole;

  @Field()
  createdAt!: Date;
}

@ObjectType()
export class ProjectMemberConnection extends connectionOf(ProjectMember, 'ProjectMember') {}

@ObjectType()
export class ProjectUpdate {
  @Field(() => ID)
  id!: string;

  @Field()
  title!: string;

  @Field()
  body!: string;

  @Field(() => Health)
  health!: Health;

  @Field(() => Int)
  version!: number;

  @Field()
  createdAt!: Date;

  @Field(() => Date, { nullable: true })
  editedAt!: Date | null;
}

@ObjectType()
export class ProjectUpdateConnection extends connectionOf(ProjectUpdate, 'ProjectUpdate') {}

@ObjectType()
export class Comment {
  @Field(() => ID)
  id!: string;

  @Field()
  body!: string;

  @Field()
  createdAt!: Date;
}

@ObjectType()
export class CommentConnection extends connectionOf(Comment, 'Comment') {}

@ObjectType()
export class Project {
  @Field(() => ID)
  id!: string;

  @Field()
  key!: string;

  @Field()
  name!: string;

  @Field()
  description!: string;

  @Field(() => Float, { nullable: true })
  budget!: number | null;

  @Field(() => Int)
  version!: number;

  @Field()
  createdAt!: Date;

  @Field()
  updatedAt!: Date;
}

@ObjectType()
export class ProjectConnection extends connectionOf(Project, 'Project') {}

@ObjectType()
export class AuthPayload {
  @Field(() => String, { nullable: true })
  accessToken!: string | null;

  @Field(() => String, { nullable: true })
  refreshToken!: string | null;

  @Field()
  accessTokenExpiresAt!: Date;

  @Field(() => User)
  user!: User;
}

@InputType()
export class LoginInput {
  @Field()
  email!: string;

  @Field()
  password!: string;
}

@InputType()
export class PostUpdateInput {
  @Field(() => ID)
  projectId!: string;

  @Field()
  title!: string;

  @Field(() => String, { nullable: true })
  body?: string | null;

  @Field(() => Health)
  health!: Health;
}
