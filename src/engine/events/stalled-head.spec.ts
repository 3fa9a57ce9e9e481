// An instance that stops while it holds the head of the log: PostgreSQL lets others pass it soon.
import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { draftEvent, LogInstance } from '../../../test/support/log-instance.js';
import { within } from '../../../test/support/wait.js';
import { SYSTEM_ACCOUNT_ID } from '../database/migrations/20261121000001-engine.js';
import { HEAD_HELD_MS } from './event-log.js';

let database: TestDatabase;
let instance: LogInstance;

beforeEach(async () => {
  database = await createDatabase();
  instance = await LogInstance.start({ url: database.url });
});
afterEach(async () => {
  await instance.stop();
  await database.drop();
});

describe('a process that stalls while it holds the head', () => {
  it.each([
    ['and has something to write before its event: others wait 2 s, and it tries again', 'place', 2, ['OTHER']],
    [
      'right after its event was inserted: the commit was sent with it, and nobody waits',
      'append',
      1,
      // In either order: PostgreSQL need not have come to the event of the first when the other one begins.
      ['OTHER', 'STALLED'],
    ],
  ])('%s', async (_title, moment, runs, meanwhile) => {
    const args = [database.url, SYSTEM_ACCOUNT_ID, moment];
    const stalled = fork('test/fixtures/stalls-at-head.js', args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    try {
      const lines = createInterface(stalled.stdout!)[Symbol.asyncIterator]();
      expect(await within(60_000, lines.next(), 'it held the head')).toMatchObject({ value: 'stopping' });
      // PostgreSQL ends other transactions of which it hears nothing after 10 s.
      await within(
        HEAD_HELD_MS + 4_000,
        instance.log.transaction(async (tx) => tx.record(draftEvent('OTHER'))),
        'the other one was committed',
      );
      await instance.saw(meanwhile.length);
      expect(instance.seen.map(({ kind }) => kind).sort()).toEqual(meanwhile);
      stalled.kill('SIGCONT');
      expect(await within(60_000, lines.next(), 'it went on')).toMatchObject({
        value: `runs ${runs}, lost ${runs - 1}`,
      });
      await instance.saw(2);
      expect(instance.seen.map(({ kind }) => kind).sort()).toEqual(['OTHER', 'STALLED']);
    } finally {
      stalled.kill('SIGKILL');
    }
  });
});
