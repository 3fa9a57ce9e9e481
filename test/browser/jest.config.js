// The tests that need a browser: `npm run test:browser`. Chromium is CHROMIUM, or where Debian puts it.
import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/browser/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  // Browsers compute more than they wait: more of them at once than cores would measure each other.
  maxWorkers: 2,
};
