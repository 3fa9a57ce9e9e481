// The order of the files: those that wait the most (for processes, time-outs and networks that are gone) begin, among others that
// work the most, so that both cores always have something to do. Begun last, they would be waited for with nothing left to do.
// The two that wait for a minute come one after the other, so that others have their worker meanwhile.
import { basename } from 'node:path';
import Sequencer from '@jest/test-sequencer';

const FIRST = [
  'black-hole',
  'process',
  'embedded-postgres',
  'revocation-faults',
  'architecture',
  'cli',
  'faults',
  'permissions',
  'presence',
  'black-hole-requests',
  'pages',
  'socket-rights',
  'live',
  'hub',
  'limits',
  'socket-floods',
  'log-follower',
  'two-nodes',
  'passwords',
  'races',
];

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    return sorted.toSorted((one, other) => place(one) - place(other));
  }
}

function place({ path }) {
  const at = FIRST.indexOf(basename(path, '.spec.ts'));
  return at < 0 ? FIRST.length : at;
}
