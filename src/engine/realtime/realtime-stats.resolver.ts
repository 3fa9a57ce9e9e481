// `realtime`.
import { Field, Float, Int, ObjectType, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { HasRole } from '../access/policies.js';
import { Role } from '../access/role.js';
import { DeliveryLatency, type LatencyCount } from './fan-out/delivery-latency.js';
import { RealtimeStatistics } from './realtime-statistics.js';

@ObjectType({ description: 'How many sockets were closed with one code.' })
export class SocketCloses {
  @Field(() => Int, { nullable: true, description: 'The close code that was sent first; null: one of a client’s own.' })
  code!: number | null;

  @Field(() => Float, { description: 'Sockets closed with it.' })
  count!: number;
}

@ObjectType({ description: 'How many deliveries took at most so long.' })
export class DeliveryLatencyBucket {
  @Field(() => Int, { nullable: true, description: 'ms; null: however long.' })
  upToMs!: number | null;

  @Field(() => Float, { description: 'Deliveries that took at most that, those of smaller buckets among them.' })
  count!: number;
}

@ObjectType({ description: 'What the instance that answers is doing right now, and has done since it was started.' })
export class RealtimeStats {
  @Field(() => Int, { description: 'Open sockets.' })
  sockets!: number;

  @Field(() => Int, { description: 'Running subscriptions to events of resources.' })
  subscriptions!: number;

  @Field(() => Int, {
    description: 'Groups of those subscriptions: the same document and variables, the same executions.',
  })
  groups!: number;

  @Field(() => Int, { description: 'Subscriptions that are given events from the log, and are not at its head yet.' })
  behind!: number;

  @Field(() => Float, { description: 'Bytes written to sockets that the operating system has not taken yet.' })
  bufferedBytes!: number;

  @Field(() => Float, { description: 'Executions of events, each for everyone who may see the same of it.' })
  executions!: number;

  @Field(() => Float, { description: 'Events written to subscribers.' })
  deliveries!: number;

  @Field(() => Float, { description: 'Bytes of those.' })
  bytes!: number;

  @Field(() => Float, {
    description: 'Times that a subscription was given events from the log: it came back, lagged, or too many waited.',
  })
  catchUps!: number;

  @Field(() => Int, {
    description:
      'Documents that are executed for each viewer since a shared execution turned out to need one. Expect 0.',
  })
  demotedDocuments!: number;

  @Field(() => Float, {
    description: 'How far it has followed the log: the position of the newest event that it knows.',
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
  @Query(() => RealtimeStats, { description: 'Numbers of the instance that answers.' })
  realtime(): RealtimeStats {
    return this.statistics.now;
  }

  @ResolveField(() => Float, { description: 'Events that are committed and that this instance has not applied yet.' })
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
