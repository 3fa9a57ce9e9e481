import { Global, Module } from '@nestjs/common';
import { ConnectionResolver } from './connection.resolver.js';
import { DeliveryLatency } from './delivery-latency.js';
import { Delivery } from './delivery.js';
import { EventExecutions } from './event-executions.js';
import { ExecutionScheduler } from './fan-out/execution-scheduler.js';
import { SubscriptionLimits } from './fan-out/subscription-limits.js';
import { Hub } from './hub.js';
import { LiveExecutions } from './live-executions.js';
import { OpenSockets } from './open-sockets.js';
import { PresenceTracker } from './presence-tracker.js';
import { RealtimeStatistics } from './realtime-statistics.js';
import { RealtimeStatsResolver } from './realtime-stats.resolver.js';
import { SocketAdmission } from './socket-admission.js';
import { SocketDeadlines } from './socket-deadlines.js';
import { MessageIntake } from './sockets/message-intake.js';
import { SocketMemory } from './sockets/socket-memory.js';
import { SocketOperations } from './socket-operations.js';
import { SocketServer } from './socket-server.js';
import { SubscriptionOperations } from './subscription-operations.js';

@Global()
@Module({
  providers: [
    ConnectionResolver,
    Delivery,
    DeliveryLatency,
    EventExecutions,
    ExecutionScheduler,
    Hub,
    LiveExecutions,
    OpenSockets,
    PresenceTracker,
    RealtimeStatistics,
    RealtimeStatsResolver,
    MessageIntake,
    SocketAdmission,
    SocketDeadlines,
    SocketMemory,
    SocketOperations,
    SocketServer,
    SubscriptionLimits,
    SubscriptionOperations,
  ],
  exports: [Hub, PresenceTracker],
})
export class RealtimeModule {}
