import 'reflect-metadata';
import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CONFIG, ConfigModule } from './config.module.js';
import { type Config, loadConfig } from './config.js';
import { service } from '../../../test/fixtures/engine-domain/service.js';

@Injectable()
class Listener {
  constructor(@Inject(CONFIG) readonly config: Config) {}
}

@Module({ providers: [Listener], exports: [Listener] })
class ListenerModule {}

describe('ConfigModule', () => {
  it('provides the Config to modules that do not import it', async () => {
    const config = loadConfig({}, service);
    @Module({ imports: [ConfigModule.forRoot(config), ListenerModule] })
    class RootModule {}
    const context = await NestFactory.createApplicationContext(RootModule, { logger: false });
    expect(context.get(Listener, { strict: false }).config).toBe(config);
    await context.close();
  });
});
