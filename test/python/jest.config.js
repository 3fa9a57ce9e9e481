// The example in Python: `npm run test:python`. It needs Python with the package websockets; PYTHON names another one than /usr/bin/python3.
import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/python/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
