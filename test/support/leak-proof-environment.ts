// A test file that leaves a socket, a server, a timer or a process open fails: what was open before must be all that is open after.
import { runInNewContext } from 'node:vm';
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
const PATIENCE_MS = 3_000;

/** Names that every realm has. */
const LANGUAGE = new Set<string>(runInNewContext('Object.getOwnPropertyNames(globalThis)'));

/** The classes of the language itself, such as `Error` and `Map`. */
const BUILT_IN = Object.fromEntries(
  Object.entries(Object.getOwnPropertyDescriptors(globalThis))
    .map(([name, { value }]) => [name, value])
    .filter(([name, value]) => /^[A-Z]/.test(name) && typeof value === 'function' && LANGUAGE.has(name)),
);

export default class LeakProofEnvironment extends TestEnvironment {
  private failed = false;
  private before = new Map<string, number>();

  constructor(...args: ConstructorParameters<typeof TestEnvironment>) {
    super(...args);
    // Tests run where Node loads them, not in the realm that Jest makes: `describe` and `expect` belong there, and know its types.
    Object.assign(this.global, BUILT_IN);
    this.global = globalThis as unknown as typeof this.global;
  }

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
    const deadline = Date.now() + PATIENCE_MS;
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
