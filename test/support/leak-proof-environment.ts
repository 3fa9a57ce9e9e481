// Jest environment that fails a test file which leaves a socket, server, timer or process open: compares the active
// resources at the end of the file with those at its start.
import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

/** Kinds of resources that tests can leak. Files and DNS look-ups end by themselves. */
const WATCHED = new Set([
  'TCPSocketWrap',
  'TCPServerWrap',
  'PipeWrap',
  'ProcessWrap',
  'Timeout',
  'TTYWrap',
  'TLSWrap',
  'UDPWrap',
]);
/** ms to wait for resources that are being closed. */
const CLOSE_TIMEOUT_MS = 3_000;

export default class LeakProofEnvironment extends TestEnvironment {
  private failed = false;
  private before = new Map<string, number>();

  constructor(...args: ConstructorParameters<typeof TestEnvironment>) {
    super(...args);
    recogniseErrorsOfNode(this.global);
    // Jest's limit of 100 frames makes creating errors far more expensive than in production.
    this.global.Error.stackTraceLimit = 20;
  }

  async handleTestEvent(event: Circus.Event): Promise<void> {
    if (event.name === 'run_start') this.before = openResources();
    // A failed test may leave resources open; reporting the leak would hide the failure.
    if (event.name === 'error' || (event.name === 'test_done' && event.test.errors.length > 0)) this.failed = true;
    if (event.name === 'hook_failure') this.failed = true;
    if (event.name !== 'run_finish' || this.failed) return;
    const deadline = Date.now() + CLOSE_TIMEOUT_MS;
    for (;;) {
      const leaked = [...openResources()].filter(([kind, count]) => count > (this.before.get(kind) ?? 0));
      if (leaked.length === 0) return;
      if (Date.now() > deadline) {
        const list = leaked.map(([kind, count]) => `${count - (this.before.get(kind) ?? 0)} × ${kind}`).join(', ');
        throw new Error(`This test file leaves open: ${list}`);
      }
      // Waits by setImmediate, which does not count as a timer.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }
}

/**
 * Each test file has its own realm, but Node's modules throw errors of the main realm. Makes `instanceof Error` true
 * for both.
 */
function recogniseErrorsOfNode(global: LeakProofEnvironment['global']): void {
  const isInstance = Function.prototype[Symbol.hasInstance];
  for (const name of ['Error', 'RangeError', 'SyntaxError', 'TypeError'] as const) {
    const [ofTests, ofNode] = [global[name], globalThis[name]];
    Object.defineProperty(ofTests, Symbol.hasInstance, {
      // Subclasses inherit this method; their behaviour is unchanged.
      value(this: Function, value: unknown) {
        return isInstance.call(this, value) || (this === ofTests && value instanceof ofNode);
      },
    });
  }
}

function openResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (WATCHED.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
