// `realtime`.
import { Field, Int, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { HasRole } from '../access/policies.js';
import { Role } from '../access/role.js';
import { LogFollower } from '../events/log-follower.js';
import { Hub } from './hub.js';
import { SocketServer } from './socket-server.js';

@ObjectType({ description: 'What this instance is doing right now.' })
export class RealtimeStats {
  @Field(() => Int, { description: 'Open sockets.' })
  sockets!: number;

  @Field(() => Int, { description: 'Running subscriptions to projects.' })
  subscriptions!: number;

  @Field(() => Int, { description: 'How far it has followed the log: the position of the newest event that it knows.' })
  position!: number;
}

@Resolver(() => RealtimeStats)
export class RealtimeStatsResolver {
  constructor(
    private readonly sockets: SocketServer,
    private readonly hub: Hub,
    private readonly follower: LogFollower,
  ) {}

  @HasRole(Role.ADMIN)
  @Query(() => RealtimeStats, { description: 'Numbers of the instance that answers.' })
  realtime(): RealtimeStats {
    return { sockets: this.sockets.size, subscriptions: this.hub.size, position: this.follower.applied };
  }
}
