// Projects and their members as the API shows them.
import { ArgsType, Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { connectionType } from '../../engine/graphql/pagination/connection.js';
import { LongText } from '../../engine/graphql/schema/field-rules.js';
import { Node } from '../../engine/graphql/schema/node.type.js';
import { Health } from './health.js';
import type { ProjectRow } from './project.loader.js';
import { RequiresProjectRole, byParent } from './project.policies.js';
import { HealthCounts } from './project-health-counts.js';
import { ProjectOrder } from './project-order.js';
import { ProjectRole } from './project-role.js';

registerEnumType(Health, {
  name: 'Health',
  description: 'Health of a project.',
  valuesMap: {
    ON_TRACK: { description: 'As planned.' },
    AT_RISK: { description: 'At risk of missing its plan.' },
    OFF_TRACK: { description: 'Will miss its plan unless something changes.' },
  },
});

registerEnumType(ProjectRole, {
  name: 'ProjectRole',
  description:
    'Role of a member in a project, capped by the role of the account. Each role includes the ones before it.',
  valuesMap: {
    VIEWER: { description: 'Reads, watches and comments.' },
    EDITOR: { description: 'Also edits the project and posts updates.' },
    OWNER: { description: 'Also removes updates and comments, and manages members.' },
  },
});

@ObjectType({ implements: () => [Node], description: 'A project that a team posts updates about.' })
export class Project extends Node {
  @Field({ description: 'Short name in capitals, unique among projects, such as `APOLLO`.' })
  key!: string;

  @Field({ description: 'Full name.' })
  name!: string;

  @LongText(4_000)
  @Field({ description: 'Description; may be empty.' })
  description!: string;

  @RequiresProjectRole(ProjectRole.EDITOR, byParent((project: ProjectRow) => project.id))
  @Field(() => Float, {
    nullable: true,
    description: 'Budget with two decimals; null if unknown. For EDITORs.',
  })
  budget!: number | null;

  @Field(() => Int, {
    description: 'Increases with every edit. Send it with `editProject` to detect concurrent edits.',
  })
  version!: number;

  @Field({ description: 'Time of creation.' })
  createdAt!: Date;

  @Field({ description: 'Time of the last edit of the project itself.' })
  updatedAt!: Date;
}

@ObjectType({ description: 'A page of projects.' })
export class ProjectConnection extends connectionType(() => Project, 'Project') {
  @Field({
    description:
      'Cursor of the newest event when this page was read. Subscribe with `projectsUpdated(after: …)` from there without loss.',
  })
  lastCursor!: string;

  @Field(() => HealthCounts, {
    description:
      'Health of all visible projects (`mine`: of which the caller is a member), independent of other filters and of this page.',
  })
  healthCounts!: HealthCounts;
}

registerEnumType(ProjectOrder, {
  name: 'ProjectOrder',
  description: 'Order of a list of projects. A cursor is valid for one order only.',
  valuesMap: {
    HEALTH: {
      description: 'OFF_TRACK, AT_RISK, ON_TRACK, without updates; in each the latest update first.',
    },
    LATEST_UPDATE: { description: 'The latest update first; projects without one last.' },
    NAME: { description: 'By name, case-insensitive, from A to Z.' },
  },
});

@ObjectType({ description: 'A member of a project.' })
export class ProjectMember {
  @Field(() => ProjectRole, { description: 'Role in the project, before the role of the account caps it.' })
  role!: ProjectRole;

  @Field({ description: 'Time of joining.' })
  createdAt!: Date;
}

@ObjectType({ description: 'A page of members.' })
export class ProjectMemberConnection extends connectionType(() => ProjectMember, 'ProjectMember') {}

@InputType({ description: 'Conditions for a list of projects; all given ones must hold.' })
export class ProjectFilter {
  @Field(() => [Health], { nullable: true, description: 'Only projects with one of these healths.' })
  health?: Health[] | null;

  @Field(() => String, { nullable: true, description: 'Part of the name or the key, case-insensitive.' })
  search?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Only projects that the caller is a member of; useful for ADMINs, who see all.',
  })
  mine?: boolean | null;
}

@ArgsType()
export class ProjectAddress {
  @Field(() => ID, { nullable: true, description: 'Id of the project. Give this or `key`.' })
  id?: string | null;

  @Field(() => String, { nullable: true, description: 'Key of the project, case-insensitive. Give this or `id`.' })
  key?: string | null;
}
