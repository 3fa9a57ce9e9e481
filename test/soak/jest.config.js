// What takes long to show: `npm run test:soak`, for SOAK_MINUTES (30, the wall 10).
import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/soak/**/*.soak.ts'],
  // One after the other, so that neither takes the processor from the other.
  maxWorkers: 1,
  testPathIgnorePatterns: ['/node_modules/'],
};
