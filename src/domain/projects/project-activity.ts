// How many updates and comments were posted on each of the last days, of many projects in one statement.
import { Field, Int, ObjectType } from '@nestjs/graphql';
import { Loader } from '../../engine/database/loaders.js';

/** Days that are told of, if nobody asks for another number, and at most. */
export const DEFAULT_DAYS = 30;
export const MAX_DAYS = 31;
const DAY_MS = 86_400_000;

@ObjectType({ description: 'What was posted in a project on one day. What has been removed since counts too.' })
export class ActivityDay {
  @Field({ description: 'The beginning of the day, in UTC.' })
  date!: Date;

  @Field(() => Int, { description: 'Updates posted.' })
  updates!: number;

  @Field(() => Int, { description: 'Comments posted.' })
  comments!: number;
}

export interface ActivityRequest {
  readonly projectId: string;
  readonly days: number;
}

interface DayRow {
  readonly id: string;
  readonly day: string;
  readonly updates: number;
  readonly comments: number;
}

const ACTIVITY = `
select project_id as id, day::text as day, updates, comments from project_activity
 where project_id = any(string_to_array(?, ',')::uuid[]) and day > ?::date and day <= ?::date`;

/** The last days, today included, the oldest first: each of them, whether or not anything was posted. */
export const activityOfProject = new Loader<ActivityRequest, ActivityDay[]>(
  async (em, asked) => {
    const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    const most = Math.max(...asked.map(({ days }) => days));
    const ids = [...new Set(asked.map(({ projectId }) => projectId))].join(',');
    const rows = await em.execute<DayRow[]>(ACTIVITY, [ids, textOf(today - most * DAY_MS), textOf(today)]);
    const known = new Map(rows.map((row) => [`${row.id} ${row.day}`, row]));
    return asked.map(({ projectId, days }) =>
      Array.from({ length: days }, (_, at) => {
        const time = today - (days - 1 - at) * DAY_MS;
        const { updates = 0, comments = 0 } = known.get(`${projectId} ${textOf(time)}`) ?? {};
        return { date: new Date(time), updates, comments };
      }),
    );
  },
  ({ projectId, days }) => `${projectId} ${days}`,
);

function textOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
