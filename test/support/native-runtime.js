// Jest's runtime, but for modules: Node loads the tests as they were built, once a worker, and all that they import. Loading this
// ESM stack anew for each file, in a realm of its own, took longer than most tests.
import { relative } from 'node:path';
import Runtime from 'jest-runtime';

const DIST = new URL('../../dist/', import.meta.url);

export default class NativeRuntime extends Runtime {
  constructor(config, ...rest) {
    super(config, ...rest);
    this.rootDir = config.rootDir;
  }

  unstable_shouldLoadAsEsm(path) {
    return path.endsWith('.ts') || super.unstable_shouldLoadAsEsm(path);
  }

  async unstable_importModule(path) {
    return import(new URL(relative(this.rootDir, path).replace(/\.ts$/, '.js'), DIST).href);
  }
}
