// Once per run, at its end: nothing of ours is left running.
export default async function teardown() {
  await globalThis.stopTestServices?.();
}
