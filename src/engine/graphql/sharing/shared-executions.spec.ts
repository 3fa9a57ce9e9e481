import { Logger } from '@nestjs/common';
import type { GraphQLSchemaHost } from '@nestjs/graphql';
import { execute, type GraphQLFieldConfig, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { OperationContext } from '../../access/operation-context.js';
import { type ClassRule, classPolicy, type Policy } from '../../access/policy.js';
import type { CachedReads } from '../../access/cached-reads.js';
import { type AccountRights, type Principal, Role } from '../../access/role.js';
import { SharedContext, ViewerNeededError } from '../../access/shared-context.js';
import { ForbiddenError } from '../../errors/service-error.js';
import { Metrics } from '../../monitoring/metrics.js';
import { guardSchema } from '../schema/guarded-schema.js';
import { readyOperation } from '../../../../test/support/parsed-operations.js';
import { NormalizedOperations } from '../operations/normalized-operations.js';
import { SharedExecutions } from './shared-executions.js';
import { service } from '../../../../test/fixtures/engine-domain/service.js';

type Config = GraphQLFieldConfig<{ id: string }, OperationContext>;

const refused = new ForbiddenError('EDITOR', 'This requires the role EDITOR there.');
const edits: ClassRule = { outcome: ({ resources }, id) => (resources.get(id) === 'EDITOR' ? undefined : refused) };
const editor = classPolicy({
  directive: { name: 'editor', description: 'An editor.', args: {} },
  args: {},
  rule: edits,
  resourceOf: ({ id }: { id: string }) => id,
});
const open: Policy = { directive: { name: 'open', description: 'Anyone.', args: {} }, args: {}, check: () => {} };
const guardedBy = (policy: Policy) => ({ [`policy:${policy.directive.name}`]: policy });

const resolved: string[] = [];
const reading = (read: (context: OperationContext) => unknown): Config => ({
  type: GraphQLString,
  resolve: async (_parent, _args, context) => String(await read(context)),
});
const Thing: GraphQLObjectType = new GraphQLObjectType<{ id: string }, OperationContext>({
  name: 'Thing',
  fields: () => ({
    name: { type: GraphQLString, resolve: ({ id }) => (resolved.push(id), `Thing ${id}`) },
    secret: { type: GraphQLString, resolve: ({ id }) => `Secret ${id}`, extensions: guardedBy(editor) },
    /** Declared to be of the same resource, and is not. */
    stray: { type: Thing, resolve: () => ({ id: 'other' }), extensions: { sameResource: true } },
    viewer: reading(({ viewer }) => viewer.accountId),
    swallowed: reading(({ viewer }) => viewer.accountId),
    principal: reading(({ principal }) => principal?.sessionId),
    client: reading(({ client }) => client.address),
  }),
});
const swallowing = Thing.getFields()['swallowed']!;
const throwing = swallowing.resolve!;
swallowing.resolve = async (...request) => {
  try {
    return await throwing(...request);
  } catch {
    return 'as if nothing had happened';
  }
};
const schema = guardSchema(
  new GraphQLSchema({
    query: new GraphQLObjectType({
      name: 'Query',
      fields: { a: { type: GraphQLString, extensions: guardedBy(open) } },
    }),
    subscription: new GraphQLObjectType({
      name: 'Subscription',
      fields: {
        thing: {
          type: Thing,
          resolve: (event: unknown) => event,
          extensions: { sameResource: true, ...guardedBy(open) },
        },
      },
    }),
  }),
);

const reads = { em: {}, lastCursor: 'c', load: () => {} } as unknown as CachedReads;
const event = { id: 'x' };
const rights = (membership: string): AccountRights => ({
  role: Role.USER,
  disabled: false,
  resources: new Map([['x', membership]]),
});
const [asEditor, asViewer] = [rights('EDITOR'), rights('VIEWER')];

const warned: string[] = [];
const record = (message: string) => void warned.push(message);
let metrics: Metrics;
let shared: SharedExecutions;
beforeAll(() => {
  Logger.overrideLogger({ log: record, error: record, warn: record });
});
afterAll(() => {
  Logger.overrideLogger(true);
});
beforeEach(() => {
  resolved.length = 0;
  warned.length = 0;
  metrics = new Metrics({ service });
  shared = new SharedExecutions({ schema } as GraphQLSchemaHost, new NormalizedOperations(metrics), metrics);
});

const planFor = (fields: string) => shared.planOf(readyOperation(schema, `subscription { thing { ${fields} } }`));
const run = (fields: string, of: AccountRights) => {
  const plan = planFor(fields);
  return shared.execute(plan, { event, resourceId: 'x', permission: plan.classOf(of, 'x'), reads });
};
const demotions = async () => (await metrics.registry.getSingleMetric('notes_demotions_total')!.get()).values[0]?.value;
const own = (fields: string, of: AccountRights) => {
  const { document } = planFor(fields);
  const principal = { accountId: 'me', sessionId: 's', session: { ended: false }, rights: of } as Principal;
  const contextValue = new OperationContext(
    () => reads,
    { address: '', userAgent: undefined },
    { principal },
    'socket',
  );
  return execute({ schema, document, rootValue: event, contextValue });
};

describe('a shared execution', () => {
  it.each([
    ['may', asEditor],
    ['may not', asViewer],
  ])('returns to a class that %s see a field what each viewer would get', async (_may, of) => {
    const result = await run('name secret', of);
    expect(result).toEqual(await own('name secret', of));
    const [error] = result?.errors ?? [];
    const theirs = (await own('name secret', of)).errors?.[0];
    expect([error?.message, error?.extensions, error?.path]).toEqual([
      theirs?.message,
      theirs?.extensions,
      theirs?.path,
    ]);
    expect(await demotions()).toBe(0);
  });

  it('returns errors with their path, without locations in the text', async () => {
    const result = await run('secret', asViewer);
    expect(JSON.parse(JSON.stringify(result))).toEqual({
      data: { thing: { secret: null } },
      errors: [
        { message: refused.message, path: ['thing', 'secret'], extensions: { code: 'FORBIDDEN', requires: 'EDITOR' } },
      ],
    });
  });

  it.each(['viewer', 'swallowed', 'principal', 'client', 'stray { secret }'])(
    'that needs the viewer for %s is discarded; its document is demoted and counted',
    async (fields) => {
      expect(shared.isShared(planFor(fields))).toBe(true);
      expect(await run(fields, asEditor)).toBeUndefined();
      expect(shared.isShared(planFor(fields))).toBe(false);
      // Another layout of the same document, and other documents.
      expect(shared.isShared(planFor(`\n ${fields}`))).toBe(false);
      expect(shared.isShared(planFor('name'))).toBe(true);
      expect(await demotions()).toBe(1);
      expect((await own(fields, asEditor)).errors?.map(({ message }) => message)).toEqual(
        fields.startsWith('stray') ? [refused.message] : undefined,
      );
    },
  );

  it('that needs the viewer (%s) is logged once with reason and path', async () => {
    await run('alias: viewer', asEditor);
    await run('alias: viewer', asViewer);
    expect(warned).toEqual([expect.stringContaining('the account was read at thing.alias')]);
  });

  it('is not started for a document that was demoted', async () => {
    await run('name viewer', asEditor);
    resolved.length = 0;
    expect(await run('name viewer', asEditor)).toBeUndefined();
    expect(resolved).toEqual([]);
  });

  it('of two classes at a time demotes its document once', async () => {
    expect(await Promise.all([run('secret viewer', asEditor), run('secret viewer', asViewer)])).toEqual([
      undefined,
      undefined,
    ]);
    expect(await demotions()).toBe(1);
  });

  it('is discarded if the class has no outcome for a guarded field', async () => {
    const permission = planFor('name').classOf(asEditor, 'x');
    expect(await shared.execute(planFor('secret'), { event, resourceId: 'x', permission, reads })).toBeUndefined();
    expect(await demotions()).toBe(1);
  });
});

describe('the context of a shared execution', () => {
  /** What every execution has. Whatever else an operation carries belongs to one caller. */
  const ANYONES = [
    'constructor',
    'em',
    'lastCursor',
    'load',
    'rows',
    'discardReads',
    'withNewReads',
    'via',
    'reads',
    'newReads',
  ];
  /** Fields behind accessors that are refused. */
  const BEHIND = ['requester', 'caller'];

  it('refuses everything that belongs to one caller', () => {
    const operation = new OperationContext(() => reads, { address: '', userAgent: undefined }, {}, 'socket');
    const members = [...Object.getOwnPropertyNames(OperationContext.prototype), ...Object.keys(operation)];
    const callers = members.filter((name) => ![...ANYONES, ...BEHIND].includes(name));
    expect(callers.toSorted()).toEqual([
      'assertPageAccount',
      'classValue',
      'client',
      'cookies',
      'cookiesUnverified',
      'isSignedIn',
      'principal',
      'signIn',
      'viewer',
      'withReads',
    ]);
    for (const name of callers) {
      const context = new SharedContext(reads, planFor('name').classOf(asEditor, 'x'), 'x');
      expect(() => (context as unknown as Record<string, () => unknown>)[name]!()).toThrow(ViewerNeededError);
      expect(context.viewerNeeded).toBeDefined();
    }
  });
});
