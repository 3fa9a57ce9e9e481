// The order of the files: those that wait the most (for processes, time-outs and networks that are gone) begin, among others that
// work the most, so that both cores always have something to do. Begun last, they would be waited for with nothing left to do.
import { basename } from 'node:path';
import Sequencer from '@jest/test-sequencer';

const FIRST = [
  'outages',
  'black-hole',
  'black-hole-requests',
  'revocation-faults',
  'presence',
  'process',
  'embedded-postgres',
  'log-follower',
  'cli',
  'random-faults',
  'redis-faults',
  'permissions',
  'pagination',
  'socket-rights',
  'fan-out',
  'linear-input',
  'event-delivery',
  'socket-floods',
  'request-gate',
  'sign-in-limits',
  'write-limits',
  'last-owner-protection',
  'passwords',
  'password-resets',
  'two-instances',
  'session-races',
  'subscription-rights',
  'with-timeout',
  'sessions',
  'session-activity',
  'mail',
  'socket-lifecycle',
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
