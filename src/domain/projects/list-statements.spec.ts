// How many statements the arguments of lists make: connections keep the plans of all of them.
import { AuditOutcome } from '../../engine/audit/audit.type.js';
import { AuditService } from '../../engine/audit/audit.service.js';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { Role } from '../../engine/access/role.js';
import { MAX_NAMED } from '../../engine/database/kept-statements.js';
import { encodeKey, type PageArgs } from '../../engine/graphql/pagination/connection.js';
import { Health } from './health.js';
import { ProjectOrder } from './project-order.js';
import { ProjectService } from './project.service.js';

const ID = '019b76da-a800-7002-8000-000000000001';
/** Statements beside those of these lists: about twice as many as there are. */
const OTHERS = 100;

const CURSORS: Record<string, string> = {
  '': encodeKey([ID]),
  HEALTH: encodeKey(['HEALTH', 1, ID, ID]),
  LATEST_UPDATE: encodeKey(['LATEST_UPDATE', ID, ID]),
  NAME: encodeKey(['NAME', 'a', ID]),
};

/** All combinations of these properties, each of which may be absent. */
function combinations<T extends object>(all: T): Partial<T>[] {
  let made: Partial<T>[] = [{}];
  for (const [name, value] of Object.entries(all)) made = made.flatMap((one) => [one, { ...one, [name]: value }]);
  return made;
}

it('connections keep the statements of all lists with all arguments', async () => {
  const statements = new Set<string>();
  const rows = async (sql: string) => {
    statements.add(sql);
    return [];
  };
  const projects = new ProjectService(undefined as never, undefined as never);
  for (const role of [Role.ADMIN, Role.USER]) {
    const context = {
      viewer: { accountId: ID, rights: { role } },
      lastCursor: '',
      rows,
    } as unknown as OperationContext;
    for (const filter of combinations({ mine: true, health: [Health.AT_RISK], search: 'x' }))
      for (const order of [undefined, ...Object.values(ProjectOrder)]) {
        const cursor = CURSORS[order ?? '']!;
        const pages: PageArgs[] = [{ first: 2 }, { last: 2 }, { after: cursor }, { before: cursor }];
        for (const page of pages) await projects.list(context, page, filter as never, order);
      }
  }
  const [since, until] = [new Date(0), new Date(1)];
  for (const filter of combinations({ actions: ['LOGIN'], actorId: ID, outcome: AuditOutcome.FAILED, since, until }))
    for (const page of combinations({ after: CURSORS['']! }))
      await new AuditService().list({ rows } as never, page, filter as never);
  expect(statements.size).toBeGreaterThan(150);
  expect(statements.size + OTHERS).toBeLessThanOrEqual(MAX_NAMED);
});
