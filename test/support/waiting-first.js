// The order of the files: those that wait the most (for processes, time-outs and networks that are gone) begin, and the others
// work meanwhile. Begun last, they would be waited for with nothing left to do.
import { basename } from 'node:path';
import Sequencer from '@jest/test-sequencer';

const WAITING = [
  'process',
  'black-hole',
  'black-hole-requests',
  'faults',
  'revocation-faults',
  'presence',
  'socket-rights',
  'embedded-postgres',
  'limits',
  'log-follower',
  'cli',
  'races',
  'two-nodes',
];

export default class WaitingFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    return sorted.toSorted((one, other) => place(one) - place(other));
  }
}

function place({ path }) {
  const at = WAITING.indexOf(basename(path, '.spec.ts'));
  return at < 0 ? WAITING.length : at;
}
