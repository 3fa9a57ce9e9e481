// The log and its follower, which starts before anything is served.
import { type DynamicModule, Global, Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { Health } from '../operations/health.js';
import { EVENT_CONSEQUENCES, type EventConsequences } from './event-consequences.port.js';
import { EventLog } from './event-log.js';
import { LogFollower } from './log-follower.js';
import { LogReader } from './log-reader.js';
import { EventRetention } from './retention.js';

@Global()
@Module({})
export class EventsModule implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly follower: LogFollower,
    private readonly health: Health,
  ) {}

  static forRoot(consequences: EventConsequences): DynamicModule {
    const services = [EventLog, EventRetention, LogFollower, LogReader];
    const providers = [...services, { provide: EVENT_CONSEQUENCES, useValue: consequences }];
    return { module: EventsModule, providers, exports: services };
  }

  onModuleInit(): void {
    this.health.register('log', () => this.follower.fresh);
  }

  /** Everyone who listens has been made by now; requests come after. */
  onApplicationBootstrap(): Promise<void> {
    return this.follower.start();
  }
}
