// What the engine has to know of Tidings as a service: names that clients and operators rely on.
import type { Service } from '../engine/config/service.js';

export const service: Service = {
  name: 'Tidings',
  prefix: 'tidings',
  endpoint: '/graphql',
  dataPaths: ['/demo.json'],
};
