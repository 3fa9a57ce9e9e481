// Counts the caller's visible projects by health.
import { Field, Int, ObjectType } from '@nestjs/graphql';
import type { Reader } from '../../engine/database/reads.js';

/** Upper limit of each count. */
export const MAX_COUNTED = 1_000;

@ObjectType({ description: `Numbers of projects by health, each at most ${MAX_COUNTED}.` })
export class HealthCounts {
  @Field(() => Int, { description: 'Will miss its plan unless something changes.' })
  offTrack!: number;

  @Field(() => Int, { description: 'At risk of missing its plan.' })
  atRisk!: number;

  @Field(() => Int, { description: 'As planned.' })
  onTrack!: number;

  @Field(() => Int, { description: 'Without an update.' })
  unknown!: number;
}

const ofAll = (rank: number) =>
  `(select count(*) from (select from project_state where health_rank = ${rank} limit ${MAX_COUNTED}) as counted)::int`;

const ALL = `select ${ofAll(3)} as "offTrack", ${ofAll(2)} as "atRisk", ${ofAll(1)} as "onTrack", ${ofAll(0)} as unknown`;

const ofOwn = (rank: number) => `count(*) filter (where state.health_rank = ${rank})::int`;

const OWN = `
select ${ofOwn(3)} as "offTrack", ${ofOwn(2)} as "atRisk", ${ofOwn(1)} as "onTrack", ${ofOwn(0)} as unknown
  from (select health_rank from project_member join project_state using (project_id) where account_id = ? limit ${MAX_COUNTED}) as state`;

/** Of one account's projects, of which at most {@link MAX_COUNTED} are counted, or of all. Deleted projects have no state. */
export async function healthCounts(reader: Reader, memberId: string | undefined): Promise<HealthCounts> {
  const [counts] = await reader.rows<HealthCounts>(memberId ? OWN : ALL, memberId ? [memberId] : []);
  return counts!;
}
