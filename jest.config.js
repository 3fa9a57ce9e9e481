// Jest runs the ESM sources as they are: node --experimental-vm-modules, compiled per file by swc.
import { readFileSync } from 'node:fs';

const { exclude: _specs, sourceMaps: _maps, ...swc } = JSON.parse(readFileSync(new URL('.swcrc', import.meta.url), 'utf8'));

export default {
  testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '\\.ts$': ['@swc/jest', { ...swc, swcrc: false, sourceMaps: 'inline' }] },
  testTimeout: 30_000,
  maxWorkers: 2,
};
