import { Global, Module } from '@nestjs/common';
import { Hub } from './hub.js';
import { RealtimeStatsResolver } from './realtime-stats.resolver.js';
import { SocketOperations } from './socket-operations.js';
import { SocketServer } from './socket-server.js';

@Global()
@Module({
  providers: [Hub, RealtimeStatsResolver, SocketOperations, SocketServer],
  exports: [Hub],
})
export class RealtimeModule {}
