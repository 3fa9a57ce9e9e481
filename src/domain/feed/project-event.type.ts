// `ProjectEvent`: an event of a project's log as the API shows it.
import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { connectionType } from '../../engine/graphql/pagination/connection.js';
import { ProjectEventKind } from '../projects/project-events.js';

registerEnumType(ProjectEventKind, {
  name: 'ProjectEventKind',
  description: 'Kinds of project events.',
  valuesMap: {
    PROJECT_CREATED: { description: 'The project was created. `subjectId` is the project.' },
    PROJECT_EDITED: { description: 'The name, description or budget changed. `subjectId` is the project.' },
    PROJECT_DELETED: {
      description: 'The project was deleted. `subjectId` is the project. Delivered to ADMINs only.',
    },
    MEMBER_ADDED: { description: 'An account was added as a member. `subjectId` is the account.' },
    MEMBER_CHANGED: { description: 'The role of a member changed. `subjectId` is the account.' },
    MEMBER_REMOVED: { description: 'A member was removed or left. `subjectId` is the account.' },
    UPDATE_POSTED: { description: 'An update was posted. `subjectId` is the update.' },
    UPDATE_EDITED: { description: 'An update was edited. `subjectId` is the update.' },
    UPDATE_REMOVED: { description: 'An update was removed. `subjectId` is the id it had.' },
    COMMENT_POSTED: { description: 'A comment was posted. `subjectId` is the comment.' },
    COMMENT_EDITED: { description: 'A comment was edited. `subjectId` is the comment.' },
    COMMENT_REMOVED: { description: 'A comment was removed. `subjectId` is the id it had.' },
  } satisfies Readonly<Record<ProjectEventKind, { description: string }>>,
});

/** Policy for slow readers. */
export enum LagPolicy {
  CATCH_UP = 'CATCH_UP',
  LATEST = 'LATEST',
}

registerEnumType(LagPolicy, {
  name: 'LagPolicy',
  description: 'Delivery policy for a slow reader.',
  valuesMap: {
    CATCH_UP: { description: 'Every event, in order, later.' },
    LATEST: { description: 'The newest event of each project, with the number of omitted ones in `skipped`.' },
  },
});

@ObjectType({ description: 'An event of a project. Related objects are shown in their current state.' })
export class ProjectEvent {
  @Field(() => String, { description: 'Position in the log: pass it as `after` to resume behind this event.' })
  cursor!: string;

  @Field(() => Int, { description: 'Number of the event in its project, without gaps.' })
  seq!: number;

  @Field(() => ProjectEventKind, { description: 'What happened.' })
  kind!: ProjectEventKind;

  @Field(() => Date, { description: 'Time of the event.' })
  at!: Date;

  @Field(() => ID, { description: 'Id of the object that the event concerns, even if removed since.' })
  subjectId!: string;

  @Field(() => Int, {
    nullable: true,
    description: 'With `LATEST`: number of events omitted before this one. If above 0, read the project again.',
  })
  skipped!: number | null;
}

@ObjectType({ description: 'A page of events, oldest first, as subscriptions deliver them.' })
export class ProjectEventConnection extends connectionType(() => ProjectEvent, 'ProjectEvent') {}
