// Jest finds, runs and reports the tests; Node itself loads them, built (`npm run build:test`).
export default {
  testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  // These have their own configurations, since they need Chromium and Python.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/browser/', '<rootDir>/test/python/'],
  runtime: '<rootDir>/test/support/native-runtime.js',
  testSequencer: '<rootDir>/test/support/longest-first.js',
  transform: {},
  testEnvironment: '<rootDir>/test/support/leak-proof-environment.ts',
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  testTimeout: 120_000,
  // Many tests wait for real timeouts and other processes: more workers than cores let them wait side by side.
  maxWorkers: 4,
  // ms. At its end a worker keeps what it has compiled, for the next run.
  workerGracefulExitTimeout: 10_000,
};
