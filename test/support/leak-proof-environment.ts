// A test file that leaves a socket, a server, a timer or a process open fails: what was open before must be all that is open after.
import type { JestEnvironment } from '@jest/environment';
import type { Circus } from '@jest/types';
import { ModuleMocker } from 'jest-mock';

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

/** Tests run where Node loads them: there is no realm to make, and nothing in it to take away again. */
export default class LeakProofEnvironment implements JestEnvironment {
  readonly global = globalThis as unknown as JestEnvironment['global'];
  readonly moduleMocker = new ModuleMocker(globalThis);
  readonly fakeTimers = null;
  readonly fakeTimersModern = null;
  private failed = false;
  private before = new Map<string, number>();

  getVmContext(): null {
    return null;
  }

  async setup(): Promise<void> {}
  async teardown(): Promise<void> {}

  handleTestEvent = async (event: Circus.Event): Promise<void> => {
    if (event.name === 'run_start') {
      this.before = openResources();
      // As services run: Jest's hundred lines a stack cost more than what the errors are about.
      Error.stackTraceLimit = 20;
    }
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
  };
}

function openResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (WATCHED.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
