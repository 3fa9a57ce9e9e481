// Projects and their members as the API shows them.
import { ArgsType, Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { connectionType } from '../../engine/graphql/connection.js';
import { LongText } from '../../engine/graphql/field-rules.js';
import { Node } from '../../engine/graphql/node.type.js';
import { Health } from './health.js';
import type { Project as ProjectRow } from './project.entity.js';
import { RequiresProjectRole, byParent } from './project.policies.js';
import { HealthCounts } from './project-health-counts.js';
import { ProjectOrder } from './project-order.js';
import { ProjectRole } from './project-role.js';

registerEnumType(Health, {
  name: 'Health',
  description: 'How a project is doing.',
  valuesMap: {
    ON_TRACK: { description: 'As planned.' },
    AT_RISK: { description: 'In danger of missing its plan.' },
    OFF_TRACK: { description: 'Misses its plan unless something changes.' },
  },
});

registerEnumType(ProjectRole, {
  name: 'ProjectRole',
  description:
    'What a member may do in a project, capped by the role of the account; each role includes the ones before it.',
  valuesMap: {
    VIEWER: { description: 'Reads, watches and comments.' },
    EDITOR: { description: 'Also edits the project and posts updates.' },
    OWNER: { description: 'Also removes updates and comments, and decides who is a member.' },
  },
});

@ObjectType({ implements: () => [Node], description: 'Something that a team works on and posts updates about.' })
export class Project extends Node {
  @Field({ description: 'Short name in capitals, unique among projects, such as `APOLLO`.' })
  key!: string;

  @Field({ description: 'Full name.' })
  name!: string;

  @LongText(4_000)
  @Field({ description: 'What the project is about; may be empty.' })
  description!: string;

  @RequiresProjectRole(ProjectRole.EDITOR, byParent((project: ProjectRow) => project.id))
  @Field(() => Float, {
    nullable: true,
    description: 'What it may cost, with two decimals; null if nobody has said. For those who edit the project.',
  })
  budget!: number | null;

  @Field(() => Int, {
    description: 'Grows with every edit. Send it with `editProject`, and nobody else’s edit is overwritten.',
  })
  version!: number;

  @Field({ description: 'When the project was made.' })
  createdAt!: Date;

  @Field({ description: 'When the project itself was last edited.' })
  updatedAt!: Date;
}

@ObjectType({ description: 'A page of projects.' })
export class ProjectConnection extends connectionType(() => Project, 'Project') {
  @Field({
    description:
      'Cursor of the newest event when this page was read: `projectsUpdated(after: …)` with it misses nothing.',
  })
  lastCursor!: string;

  @Field(() => HealthCounts, {
    description:
      'How all projects are doing that the caller may see (`mine`: that it is a member of), whatever else is filtered and whatever this page holds.',
  })
  healthCounts!: HealthCounts;
}

registerEnumType(ProjectOrder, {
  name: 'ProjectOrder',
  description: 'In which order projects are listed. A cursor is of one order, and none of another.',
  valuesMap: {
    HEALTH: {
      description: 'What needs attention first: OFF_TRACK, AT_RISK, ON_TRACK, none; in each the latest update first.',
    },
    LATEST_UPDATE: { description: 'The latest update first; projects without one last.' },
    NAME: { description: 'By name, in any case, from A to Z.' },
  },
});

@ObjectType({ description: 'An account in a project.' })
export class ProjectMember {
  @Field(() => ProjectRole, { description: 'What the member may do there, before the role of the account caps it.' })
  role!: ProjectRole;

  @Field({ description: 'When the account became a member.' })
  createdAt!: Date;
}

@ObjectType({ description: 'A page of members.' })
export class ProjectMemberConnection extends connectionType(() => ProjectMember, 'ProjectMember') {}

@InputType({ description: 'Which projects to list; all given conditions must hold.' })
export class ProjectFilter {
  @Field(() => [Health], { nullable: true, description: 'Only projects whose latest update says one of these.' })
  health?: Health[] | null;

  @Field(() => String, { nullable: true, description: 'Part of the name or the key, in any case.' })
  search?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Only projects that the caller is a member of; for an ADMIN, who sees all.',
  })
  mine?: boolean | null;
}

@ArgsType()
export class ProjectAddress {
  @Field(() => ID, { nullable: true, description: 'Id of the project. Give this or `key`.' })
  id?: string | null;

  @Field(() => String, { nullable: true, description: 'Key of the project, in any case. Give this or `id`.' })
  key?: string | null;
}
