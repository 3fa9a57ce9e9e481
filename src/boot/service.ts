// What the engine has to know of Tidings as a service: names that clients and operators rely on, and its own settings.
import type { Service } from '../engine/config/service.js';
import { type AppValues, settings } from './settings.js';

export const service: Service<AppValues> = {
  name: 'Tidings',
  prefix: 'tidings',
  endpoint: '/graphql',
  dataPaths: ['/demo.json'],
  documents: ['web/dist/dashboard/index.html', 'web/dist/playground/index.html'],
  introspectionHint: 'The schema is published as schema.gql; PLAYGROUND=on switches introspection on.',
  settings,
};
