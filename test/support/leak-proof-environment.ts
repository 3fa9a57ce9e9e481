// A test file that leaves a socket, a server, a timer or a process open fails: what was open before must be all that is open after.
import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

/** Kinds of resources that a test can forget. Files and DNS look-ups end by themselves. */
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
/** ms in which what was closed may really go away. */
const CLOSE_TIMEOUT_MS = 3_000;

export default class LeakProofEnvironment extends TestEnvironment {
  private failed = false;
  private before = new Map<string, number>();

  constructor(...args: ConstructorParameters<typeof TestEnvironment>) {
    super(...args);
    recogniseErrorsOfNode(this.global);
    // As services run: Jest's hundred lines per stack cost more than the errors themselves.
    this.global.Error.stackTraceLimit = 20;
  }

  async handleTestEvent(event: Circus.Event): Promise<void> {
    if (event.name === 'run_start') this.before = openResources();
    // A failure has its own words, and may well leave something open: it must not be hidden behind that.
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
      // Timers of this loop are not counted: it waits by immediates.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }
}

/**
 * Each test file has built-in objects of its own, but Node's modules throw the errors of the main context: without this,
 * `instanceof Error` is false for them in a test.
 */
function recogniseErrorsOfNode(global: LeakProofEnvironment['global']): void {
  const isInstance = Function.prototype[Symbol.hasInstance];
  for (const name of ['Error', 'RangeError', 'SyntaxError', 'TypeError'] as const) {
    const [ofTests, ofNode] = [global[name], globalThis[name]];
    Object.defineProperty(ofTests, Symbol.hasInstance, {
      // Subclasses inherit this: for them nothing changes.
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
