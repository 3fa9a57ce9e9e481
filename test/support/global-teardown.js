// Jest globalTeardown: stops the servers that globalSetup has started.
export default async function teardown() {
  await globalThis.stopTestServices?.();
}
