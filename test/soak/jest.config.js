// What takes long to show: `npm run test:soak`, for SOAK_MINUTES (30).
import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/soak/**/*.soak.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
