// Provides pub/sub, and closes it when the application shuts down.
import { Global, Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { PUB_SUB, TOPICS, type PubSub, type PubSubLog } from './pubsub.port.js';
import { InProcessPubSub } from './in-process.pubsub.js';
import { RedisPubSub } from './redis.pubsub.js';

export function createPubSub(
  { redisUrl, service }: Pick<Config, 'redisUrl' | 'service'>,
  log: PubSubLog = nestLog(),
): PubSub {
  if (redisUrl === undefined) return new InProcessPubSub({ log });
  const namespace = [service.prefix, ...databaseNumber(redisUrl)].join(':');
  return new RedisPubSub({ url: redisUrl, namespace, schemas: TOPICS, log });
}

/** Redis broadcasts across its numbered databases, but two installations in /1 and /2 must be separate. */
function databaseNumber(url: string): readonly string[] {
  return /^\/([1-9]\d*)$/.exec(new URL(url).pathname)?.slice(1) ?? [];
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
