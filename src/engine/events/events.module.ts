// The log and its follower, which starts before anything is served.
import { Global, Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { Health } from '../operations/health.js';
import { EventLog } from './event-log.js';
import { LogFollower } from './log-follower.js';
import { LogReader } from './log-reader.js';

@Global()
@Module({
  providers: [EventLog, LogFollower, LogReader],
  exports: [EventLog, LogFollower, LogReader],
})
export class EventsModule implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly follower: LogFollower,
    private readonly health: Health,
  ) {}

  onModuleInit(): void {
    this.health.register('log', () => this.follower.fresh);
  }

  /** Everyone who listens has been made by now; requests come after. */
  onApplicationBootstrap(): Promise<void> {
    return this.follower.start();
  }
}
