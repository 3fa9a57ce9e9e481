// Counts updates and comments per day, for many projects in one statement.
import { Field, Int, ObjectType } from '@nestjs/graphql';
import { Loader } from '../../engine/database/loaders.js';

/** Days by default, and at most. */
export const DEFAULT_DAYS = 30;
export const MAX_DAYS = 31;
const DAY_MS = 86_400_000;

@ObjectType({ description: 'Numbers of posts in a project on one day, including posts removed since.' })
export class ActivityDay {
  @Field({ description: 'Start of the day in UTC.' })
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
  /** Days since 1970, in UTC. */
  readonly today: number;
  /** `null`, like the following columns, in the only row of a project without posts. */
  readonly id: string | null;
  readonly day: number | null;
  readonly updates: number | null;
  readonly comments: number | null;
}

// Today by the clock of the database, which also dates updates and comments.
const ACTIVITY = `
select clock.today - date '1970-01-01' as today, activity.project_id as id, activity.day - date '1970-01-01' as day, updates, comments
  from (select (now() at time zone 'UTC')::date as today) as clock
  left join project_activity activity on activity.project_id = any(string_to_array(?, ',')::uuid[])
   and activity.day > clock.today - ?::integer and activity.day <= clock.today`;

/** The last days including today, oldest first, with zeros for days without posts. */
export const activityOfProject = new Loader<ActivityRequest, ActivityDay[]>(
  async (reader, asked) => {
    const most = Math.max(...asked.map(({ days }) => days));
    const ids = [...new Set(asked.map(({ projectId }) => projectId))].join(',');
    const rows = await reader.rows<DayRow>(ACTIVITY, [ids, most]);
    const { today } = rows[0]!;
    const known = new Map(rows.map((row) => [`${row.id} ${row.day}`, row]));
    return asked.map(({ projectId, days }) =>
      Array.from({ length: days }, (_, at) => {
        const day = today - (days - 1 - at);
        const posted = known.get(`${projectId} ${day}`);
        return { date: new Date(day * DAY_MS), updates: posted?.updates ?? 0, comments: posted?.comments ?? 0 };
      }),
    );
  },
  ({ projectId, days }) => `${projectId} ${days}`,
);
