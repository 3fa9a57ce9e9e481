// What the service watches of its surroundings, and says once when it changes.
import { Global, Module } from '@nestjs/common';
import { DatabaseWatch } from './database-watch.js';
import { DatabaseWrites } from './database-writes.js';

@Global()
@Module({ providers: [DatabaseWatch, DatabaseWrites], exports: [DatabaseWrites] })
export class MonitoringModule {}
