// Rights of accounts. The domain declares the resources.
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { RESOURCE_RIGHTS, type ResourceRights, Rights } from './rights.js';

@Global()
@Module({})
export class AccessModule {
  static forRoot(resources: ResourceRights): DynamicModule {
    const providers = [Rights, { provide: RESOURCE_RIGHTS, useValue: resources }];
    return { module: AccessModule, providers, exports: [Rights] };
  }
}
