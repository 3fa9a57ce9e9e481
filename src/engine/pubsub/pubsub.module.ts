// Gives everyone the doorbell, and closes it when the application shuts down.
import { Global, Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { PUB_SUB, SHAPES, type PubSub, type PubSubLog } from './doorbell.port.js';
import { InProcessPubSub } from './in-process.pubsub.js';
import { RedisPubSub } from './redis.pubsub.js';

export function createPubSub({ redisUrl }: Pick<Config, 'redisUrl'>, log: PubSubLog = nestLog()): PubSub {
  if (redisUrl === undefined) return new InProcessPubSub({ log });
  return new RedisPubSub({ url: redisUrl, namespace: databaseNumber(redisUrl), shapes: SHAPES, log });
}

/** Redis broadcasts across its numbered databases; whoever put two installations into /1 and /2 expects them apart. */
function databaseNumber(url: string): string {
  return /^\/([1-9]\d*)$/.exec(new URL(url).pathname)?.[1] ?? '';
}

@Global()
@Module({
  providers: [{ provide: PUB_SUB, inject: [CONFIG], useFactory: (config: Config) => createPubSub(config) }],
  exports: [PUB_SUB],
})
export class PubSubModule implements OnApplicationShutdown {
  constructor(@Inject(PUB_SUB) private readonly pubSub: PubSub) {}

  async onApplicationShutdown(): Promise<void> {
    await this.pubSub.close();
  }
}

function nestLog(): PubSubLog {
  const logger = new Logger('PubSub');
  return { warn: (message) => logger.warn(message), info: (message) => logger.log(message) };
}
