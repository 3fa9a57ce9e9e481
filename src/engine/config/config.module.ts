// Provides the Config: `@Inject(CONFIG) private readonly config: Config`.
import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from './config.js';

/** The injection token of `Config`. */
export const CONFIG = Symbol('Config');

@Module({})
export class ConfigModule {
  /** `config` must be complete: secrets resolved, and the port bound or fixed. */
  static forRoot(config: Config): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: CONFIG, useValue: config }],
      exports: [CONFIG],
    };
  }
}
