// Ids of TypeScript and of the database are in one order.
import * as fc from 'fast-check';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { idAt, timeOf } from './time-ordered-id.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** Without what is random. */
const fixed = (id: string): string => {
  const hex = id.replaceAll('-', '');
  const last = Number.parseInt(hex.slice(20, 22), 16) & 0xfc;
  return hex.slice(0, 20) + last.toString(16);
};

it('time-ordered ids begin with the same time in JavaScript and PostgreSQL', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 47 }), fc.integer({ min: 0, max: 31 }), async (ms, part) => {
      // Parts that a double holds beside the ms.
      const at = (ms % 2 ** 41) + part / 32;
      const sql = 'select time_ordered_id_v1($1::bigint, $2::bigint) as id';
      const [row] = await database.query<{ id: string }>(sql, [Math.floor(at), (part * 2 ** 32) / 32]);
      expect(fixed(row!.id)).toBe(fixed(idAt(at)));
      expect(row!.id[14]).toBe('7');
      expect(timeOf(row!.id).getTime()).toBe(Math.floor(at));
    }),
  );
  const ids = await database.query('select time_ordered_id_v1(1, 4294967295) as id from generate_series(1, 100)');
  expect(new Set(ids.map(({ id }) => id)).size).toBe(100);
});

it('ids of audit entries are in the order of writing within a ms', async () => {
  const entry = JSON.stringify({ action: 'TEST', outcome: 'SUCCESS' });
  const sql = 'select place, audit_v1($1, 1) as id from generate_series(1, 100) as place';
  const ids = (await database.query<{ id: string }>(sql, [entry])).map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted());
});
