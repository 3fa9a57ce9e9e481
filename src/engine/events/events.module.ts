// The log and its follower, which starts before the first request.
import { type DynamicModule, Global, Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { HealthChecks } from '../monitoring/health-checks.js';
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
    private readonly health: HealthChecks,
  ) {}

  static forRoot(consequences: EventConsequences): DynamicModule {
    const services = [EventLog, EventRetention, LogFollower, LogReader];
    const providers = [...services, { provide: EVENT_CONSEQUENCES, useValue: consequences }];
    return { module: EventsModule, providers, exports: services };
  }

  onModuleInit(): void {
    this.health.register('log', () => this.follower.fresh);
  }

  /** All listeners exist by now; requests come later. */
  onApplicationBootstrap(): Promise<void> {
    return this.follower.start();
  }
}
