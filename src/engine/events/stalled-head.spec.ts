// An instance that stops while PostgreSQL appends its event: others pass.
import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { draftEvent, LogInstance } from '../../../test/support/log-instance.js';
import { within } from '../../../test/support/wait.js';
import { SYSTEM_ACCOUNT_ID } from '../database/migrations/20261121000001-engine.js';
import { HEAD_HELD_MS } from '../database/migrations/20261129000003-log-append.js';

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

describe('a process that stalls', () => {
  it('after the insert of its event delays nobody, since the commit was sent with it', async () => {
    const args = [database.url, SYSTEM_ACCOUNT_ID];
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
      // In either order: PostgreSQL need not have come to the event of the first when the other one begins.
      await instance.saw(2);
      expect(instance.seen.map(({ kind }) => kind).sort()).toEqual(['OTHER', 'STALLED']);
      stalled.kill('SIGCONT');
      expect(await within(60_000, lines.next(), 'it went on')).toMatchObject({ value: 'runs 1' });
    } finally {
      stalled.kill('SIGKILL');
    }
  });
});
