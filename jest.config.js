// Tests run as ES modules, from their sources, see https://jestjs.io/docs/ecmascript-modules. The programs that they start are built first,
// by `npm run build:test`.
export default {
  testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  // These have their own configurations, since they need Chromium and Python.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/browser/', '<rootDir>/test/python/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/typescript-transformer.js' },
  // Imports name the file that the build makes of `x.ts`.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironment: '<rootDir>/test/support/leak-proof-environment.ts',
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  testTimeout: 120_000,
  // Many tests wait for real timeouts and other processes: more workers than cores let them wait side by side.
  maxWorkers: 4,
  // Of the heap. Modules are loaded anew for each file, and not all of them are released again.
  workerIdleMemoryLimit: '750MB',
  // ms. A worker with a heap of that size takes longer than the default of half a second to exit.
  workerGracefulExitTimeout: 10_000,
};
