// How the demo's past is written down: people, and what happened to a project, told in times that are relative to now.
import type { ProjectRole } from '../domain/projects/project-role.js';
import type { Health } from '../domain/projects/health.js';
import type { PersonName } from './people.js';

/** Working days ago and a time of the server's clock, as in `12d 09:30`; 1d or more, so that it always lies in the past. */
export type When = `${number}d ${number}:${number}`;

/** Something said: when, by whom, what. */
export type StoryComment = readonly [at: When, by: PersonName, text: string];

export interface UpdateStory {
  readonly at: When;
  readonly by: PersonName;
  readonly health: Health;
  readonly title: string;
  readonly body: string;
  /** Internal note. */
  readonly note?: string;
  readonly comments?: readonly StoryComment[];
}

export interface ProjectStory {
  readonly key: string;
  readonly name: string;
  readonly description: string;
  readonly budget: number;
  readonly created: When;
  /** Creates the project, and so is its first OWNER. */
  readonly lead: PersonName;
  readonly members: readonly (readonly [at: When, who: PersonName, role: ProjectRole])[];
  readonly updates: readonly UpdateStory[];
  readonly chat: readonly StoryComment[];
}

/** The instant that `when` means at `now`. Weekends are passed over: nobody posts on a Sunday. */
export function timeOf(when: When, now: Date): Date {
  const match = /^(\d+)d (\d{2}):(\d{2})$/.exec(when);
  if (!match) throw new Error(`Not a time of a story: ${when}`);
  const [days = 0, hours = 0, minutes = 0] = match.slice(1).map(Number);
  const date = new Date(now);
  for (let left = days; left > 0;) {
    date.setDate(date.getDate() - 1);
    if (date.getDay() % 6 !== 0) left -= 1;
  }
  date.setHours(hours, minutes, 0, 0);
  return date;
}
