import { Global, Module } from '@nestjs/common';
import { ConnectionResolver } from './connection.resolver.js';
import { Hub } from './hub.js';
import { OpenSockets } from './open-sockets.js';
import { PresenceTracker } from './presence-tracker.js';
import { RealtimeStatsResolver } from './realtime-stats.resolver.js';
import { SocketDeadlines } from './socket-deadlines.js';
import { SocketOperations } from './socket-operations.js';
import { SocketServer } from './socket-server.js';

@Global()
@Module({
  providers: [
    ConnectionResolver,
    Hub,
    OpenSockets,
    PresenceTracker,
    RealtimeStatsResolver,
    SocketDeadlines,
    SocketOperations,
    SocketServer,
  ],
  exports: [Hub, PresenceTracker],
})
export class RealtimeModule {}
