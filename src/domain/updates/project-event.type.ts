// `ProjectEvent`: an event of a project's log as the API shows it.
import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { connectionType } from '../../engine/graphql/connection.js';
import { ProjectEventKind } from '../projects/project-events.js';

registerEnumType(ProjectEventKind, {
  name: 'ProjectEventKind',
  description: 'What happened in a project.',
  valuesMap: {
    PROJECT_CREATED: { description: 'It was made. `subjectId` is the project.' },
    PROJECT_EDITED: { description: 'Its name, description or budget changed. `subjectId` is the project.' },
    PROJECT_DELETED: {
      description: 'It was deleted. `subjectId` is the project. Told to ADMINs; for others it is just gone.',
    },
    MEMBER_ADDED: { description: 'An account became a member. `subjectId` is the account.' },
    MEMBER_CHANGED: { description: 'The role of a member changed. `subjectId` is the account.' },
    MEMBER_REMOVED: { description: 'A membership ended. `subjectId` is the account.' },
    UPDATE_POSTED: { description: 'An update was posted. `subjectId` is the update.' },
    UPDATE_EDITED: { description: 'An update was changed. `subjectId` is the update.' },
    UPDATE_REMOVED: { description: 'An update was removed. `subjectId` is what it was.' },
    COMMENT_POSTED: { description: 'Somebody said something. `subjectId` is the comment.' },
    COMMENT_EDITED: { description: 'A comment was changed. `subjectId` is the comment.' },
    COMMENT_REMOVED: { description: 'A comment was removed. `subjectId` is what it was.' },
  },
});

/** What a subscriber who lags behind is given. */
export enum LagPolicy {
  CATCH_UP = 'CATCH_UP',
  LATEST = 'LATEST',
}

registerEnumType(LagPolicy, {
  name: 'LagPolicy',
  description: 'What a subscriber who cannot keep up is given.',
  valuesMap: {
    CATCH_UP: { description: 'Every event, in order, however late.' },
    LATEST: { description: 'The newest event of each project, with `skipped` counting those left out.' },
  },
});

@ObjectType({ description: 'Something that happened in a project. What it is about is shown as it is now.' })
export class ProjectEvent {
  @Field(() => String, { description: 'Place in the log: `after: …` with it continues right behind this event.' })
  cursor!: string;

  @Field(() => Int, { description: 'Counts the events of the project, without a gap.' })
  seq!: number;

  @Field(() => ProjectEventKind, { description: 'What happened.' })
  kind!: ProjectEventKind;

  @Field(() => Date, { description: 'When it happened.' })
  at!: Date;

  @Field(() => ID, { description: 'What it is about, even when that is gone since.' })
  subjectId!: string;

  @Field(() => Int, {
    nullable: true,
    description: 'With `LATEST`: events left out before this one. More than 0: read the project again.',
  })
  skipped!: number | null;
}

@ObjectType({ description: 'A page of events, the oldest first, as subscriptions send them.' })
export class ProjectEventConnection extends connectionType(() => ProjectEvent, 'ProjectEvent') {}
