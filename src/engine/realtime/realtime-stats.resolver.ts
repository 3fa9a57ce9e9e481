// `realtime`.
import { Field, Float, Int, ObjectType, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { HasRole } from '../access/policies.js';
import { Role } from '../access/role.js';
import { DeliveryLatency, type LatencyCount } from './fan-out/delivery-latency.js';
import { RealtimeStatistics } from './realtime-statistics.js';

@ObjectType({ description: 'Number of sockets closed with one code.' })
export class SocketCloses {
  @Field(() => Int, {
    nullable: true,
    description: 'The close code that was sent first; null: a code chosen by the client.',
  })
  code!: number | null;

  @Field(() => Float, { description: 'Sockets closed with it.' })
  count!: number;
}

@ObjectType({ description: 'A bucket of the histogram of delivery latency.' })
export class DeliveryLatencyBucket {
  @Field(() => Int, { nullable: true, description: 'Upper bound in ms; null: unbounded.' })
  upToMs!: number | null;

  @Field(() => Float, { description: 'Deliveries up to this bound, including those of smaller buckets.' })
  count!: number;
}

@ObjectType({ description: 'Statistics of the instance that responds: current values, and totals since its start.' })
export class RealtimeStats {
  @Field(() => Int, { description: 'Open sockets.' })
  sockets!: number;

  @Field(() => Int, { description: 'Running subscriptions to events of resources.' })
  subscriptions!: number;

  @Field(() => Int, {
    description: 'Groups of these subscriptions, with equal documents and variables, that share executions.',
  })
  groups!: number;

  @Field(() => Int, { description: 'Subscriptions that catch up from the log.' })
  behind!: number;

  @Field(() => Float, { description: 'Bytes written to sockets that are not flushed to the operating system yet.' })
  bufferedBytes!: number;

  @Field(() => Float, { description: 'Executions of events, each for all viewers of one permission class.' })
  executions!: number;

  @Field(() => Float, { description: 'Events written to subscribers.' })
  deliveries!: number;

  @Field(() => Float, { description: 'Bytes of these events.' })
  bytes!: number;

  @Field(() => Float, {
    description:
      'Times that a subscription began to catch up from the log: it resumed, lagged, or the queue of its group was full.',
  })
  catchUps!: number;

  @Field(() => Int, {
    description: 'Documents that are executed per viewer because a shared execution needed the viewer. Expect 0.',
  })
  demotedDocuments!: number;

  @Field(() => Float, {
    description: 'Position in the log of the newest event that this instance has applied.',
  })
  position!: number;
}

@Resolver(() => RealtimeStats)
export class RealtimeStatsResolver {
  constructor(
    private readonly statistics: RealtimeStatistics,
    private readonly latency: DeliveryLatency,
  ) {}

  @HasRole(Role.ADMIN)
  @Query(() => RealtimeStats, { description: 'Statistics of the instance that responds.' })
  realtime(): RealtimeStats {
    return this.statistics.now;
  }

  @ResolveField(() => Float, { description: 'Committed events that this instance has not applied yet.' })
  distance(): Promise<number> {
    return this.statistics.distance();
  }

  @ResolveField(() => [SocketCloses], { description: 'Sockets closed so far, by code.' })
  closes(): SocketCloses[] {
    return Array.from(this.statistics.now.closes, ([code, count]) => ({ code, count }));
  }

  @ResolveField(() => [DeliveryLatencyBucket], {
    description:
      'From a commit, on the clock of PostgreSQL, until its event was written to the last live subscriber of a group and ' +
      'permission class, on the clock of this instance. Smallest bound first; nothing that was caught up.',
  })
  commitToDelivery(): Promise<readonly LatencyCount[]> {
    return this.latency.counts();
  }
}
