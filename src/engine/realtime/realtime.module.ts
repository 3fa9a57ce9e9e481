import { Global, Module } from '@nestjs/common';
import { FlowControl } from './flow-control/flow-control.js';
import { ConnectionResolver } from './sockets/connection.resolver.js';
import { DeliveryLatency } from './fan-out/delivery-latency.js';
import { Delivery } from './fan-out/delivery.js';
import { EventExecutions } from './fan-out/event-executions.js';
import { SubscriptionLimits } from './fan-out/subscription-limits.js';
import { Hub } from './fan-out/hub.js';
import { LiveExecutions } from './fan-out/live-executions.js';
import { OpenSockets } from './sockets/open-sockets.js';
import { PresenceTracker } from './presence/presence-tracker.js';
import { RealtimeStatistics } from './realtime-statistics.js';
import { RealtimeStatsResolver } from './realtime-stats.resolver.js';
import { SocketAdmission } from './sockets/socket-admission.js';
import { SocketDeadlines } from './sockets/socket-deadlines.js';
import { MessageIntake } from './sockets/message-intake.js';
import { SocketMemory } from './sockets/socket-memory.js';
import { SocketOperations } from './sockets/socket-operations.js';
import { SocketServer } from './sockets/socket-server.js';
import { SubscriptionOperations } from './sockets/subscription-operations.js';

@Global()
@Module({
  providers: [
    ConnectionResolver,
    Delivery,
    DeliveryLatency,
    EventExecutions,
    FlowControl,
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
