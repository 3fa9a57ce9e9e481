// Jest runs the ESM sources as they are: node --experimental-vm-modules, compiled per file by swc.
import { readFileSync } from 'node:fs';

const {
  exclude: _specs,
  sourceMaps: _maps,
  ...swc
} = JSON.parse(readFileSync(new URL('.swcrc', import.meta.url), 'utf8'));

export default {
  testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '\\.ts$': ['@swc/jest', { ...swc, swcrc: false, sourceMaps: 'inline' }] },
  testEnvironment: '<rootDir>/test/support/leak-proof-environment.ts',
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  testTimeout: 120_000,
  // Many tests wait for real timeouts and other processes: more workers than cores let them wait side by side.
  maxWorkers: 3,
};
