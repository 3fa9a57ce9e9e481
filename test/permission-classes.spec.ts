// One execution shared by a permission class returns the same as an execution for each account.
import * as fc from 'fast-check';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import {
  execute,
  type ExecutionResult,
  getNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isObjectType,
} from 'graphql';
import { OperationContext } from '../src/engine/access/operation-context.js';
import type { CachedReads } from '../src/engine/access/cached-reads.js';
import { type AccountRights, type Principal, Role } from '../src/engine/access/role.js';
import { isSameResource } from '../src/engine/access/sharing.js';
import type { LogEvent } from '../src/engine/events/log-event.js';
import { LogReader } from '../src/engine/events/log-reader.js';
import { ContextFactory } from '../src/engine/graphql/http/context-factory.js';
import { isErrors, OperationPipeline } from '../src/engine/graphql/operations/operation-pipeline.js';
import { SharedExecutions } from '../src/engine/graphql/sharing/shared-executions.js';
import { Metrics } from '../src/engine/monitoring/metrics.js';
import { PROJECT_RESOURCE, ProjectRole } from '../src/domain/projects/project-role.js';
import { documentsFrom } from './support/documents.js';
import { readyOperation } from './support/parsed-operations.js';
import { tries } from './support/extent.js';
import { addMember, createProject, postUpdate } from './support/factories.js';
import { fewestStatementsOf } from './support/statements.js';
import { useTidings } from './support/tidings.js';

const tidings = useTidings();

/** Everything that can happen in a project, in three of them: one is deleted in the end. */
let events: LogEvent[];
let accounts: string[];
let projects: string[];
let schema: GraphQLSchema;
let shared: SharedExecutions;
let contexts: ContextFactory;
let pipeline: OperationPipeline;

beforeAll(async () => {
  const [admin, editor] = await Promise.all([tidings.current.asUser('ADMIN'), tidings.current.asUser('EDITOR')]);
  const made = await Promise.all([1, 2, 3].map((n) => createProject(admin, { budget: n * 1_000 })));
  projects = made.map(({ id }) => id);
  accounts = [admin.id, editor.id];
  for (const id of projects) {
    await addMember(admin, id, editor, 'VIEWER');
    await addMember(admin, id, editor, 'EDITOR');
    const [kept, removed] = [await postUpdate(editor, id, { internalNote: `Of ${id}` }), await postUpdate(admin, id)];
    for (const updateId of [kept, removed, null]) {
      const input = { projectId: id, updateId, body: 'Well said.' };
      await editor.data('mutation ($input: PostCommentInput!) { postComment(input: $input) { id } }', { input });
    }
    await editor.data('mutation ($id: ID!) { editUpdate(id: $id, input: { title: "Anew" }) { id } }', { id: kept });
    await admin.data('mutation ($id: ID!) { removeUpdate(id: $id) }', { id: removed });
    await editor.data('mutation ($id: ID!) { editProject(id: $id, input: { description: "…" }) { id } }', { id });
  }
  const [first, , last] = projects;
  const remove = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';
  await admin.data(remove, { p: first, u: editor.id });
  await admin.data('mutation ($id: ID!) { deleteProject(id: $id) }', { id: last });
  const { app } = tidings.current;
  events = (await app.get(LogReader).after(0, 1_000)).filter(({ resource }) => resource.kind === PROJECT_RESOURCE);
  schema = app.get(GraphQLSchemaHost).schema;
  shared = app.get(SharedExecutions);
  contexts = app.get(ContextFactory);
  pipeline = app.get(OperationPipeline);
});

const eventType = () => schema.getType('ProjectEvent') as GraphQLObjectType;
const demotions = async () => {
  const metric = tidings.current.app.get(Metrics).registry.getSingleMetric('tidings_demotions_total')!;
  return (await metric.get()).values[0]!.value;
};

interface Viewer {
  readonly accountId: string;
  readonly rights: AccountRights;
}

/** Somebody with any rights at all, as one of the accounts that what happened is about. */
const viewers = () =>
  fc
    .record({
      accountId: fc.constantFrom(...accounts),
      role: fc.constantFrom(Role.USER, Role.EDITOR, Role.EDITOR, Role.ADMIN),
      memberships: fc.tuple(...projects.map(() => fc.constantFrom(undefined, ...Object.values(ProjectRole)))),
    })
    .map(({ accountId, role, memberships }): Viewer => {
      const resources = new Map<string, string>();
      for (const [at, membership] of memberships.entries()) if (membership) resources.set(projects[at]!, membership);
      return { accountId, rights: { role, disabled: false, resources } };
    });

/** Guarded fields often, so that classes differ; those that no class has in common seldom, so that there are classes. */
const WEIGHTS: Readonly<Record<string, number>> = {
  'ProjectEvent.project': 3,
  'ProjectEvent.update': 3,
  'Project.budget': 12,
  'Project.latestUpdate': 2,
  'ProjectUpdate.internalNote': 12,
  'User.email': 0.1,
  'User.sessions': 0.1,
};

const operations = () =>
  fc
    .record({
      below: documentsFrom(eventType(), 4, (name) => (WEIGHTS[name] ?? 1) * 10),
      one: fc.boolean(),
      on: fc.boolean(),
      n: fc.constantFrom(undefined, 1, 3),
    })
    .map(({ below, one, on, n }) => {
      const definitions = [...(one ? ['$p: ID!', '$c: String'] : []), ...below.variables].join(', ');
      const root = one
        ? 'projectUpdated(projectId: $p, after: $c)'
        : 'projectsUpdated(after: "any", includeOwn: false)';
      const source = `subscription Watch${definitions && `(${definitions})`} { ${root} ${below.selection} } ${below.fragments}`;
      return {
        source,
        variables: {
          ...(one ? { p: projects[0]!, c: 'any' } : {}),
          ...(definitions.includes('$on') ? { on } : {}),
          ...(definitions.includes('$n') && n ? { n } : {}),
        },
      };
    });

function contextOf({ accountId, rights }: Viewer, reads: CachedReads): OperationContext {
  const principal: Principal = {
    accountId,
    rights,
    sessionId: 'none',
    transport: 'BODY',
    session: { ended: false },
    tokenExpiresAt: Infinity,
  };
  return contexts.forSocket({ address: '::1', userAgent: undefined }, { principal }).withReads(reads);
}

/** What a client can tell of a result. Which of two errors comes first is a matter of luck. */
function seen(result: ExecutionResult): unknown {
  const errors = result.errors?.map(({ message, path, extensions }) => ({ message, path, extensions }));
  const sorted = errors?.toSorted((a, b) => JSON.stringify(a.path).localeCompare(JSON.stringify(b.path)));
  return JSON.parse(JSON.stringify({ data: result.data, errors: sorted ?? [] }));
}

describe('one execution per permission class', () => {
  it('equals an execution of each viewer', async () => {
    const count = { shared: 0, apart: 0, together: 0, perViewer: 0 };
    const property = fc.asyncProperty(
      operations(),
      fc.constantFrom(...events),
      fc.array(viewers(), { minLength: 2, maxLength: 4 }),
      async ({ source, variables }, event, audience) => {
        const request = { query: source, operationName: 'Watch', variables };
        const checked = pipeline.prepare(schema, request, { signedIn: true, via: 'socket' });
        // What is too dear is never executed.
        fc.pre(!isErrors(checked) || checked.some(({ extensions }) => extensions['code'] !== 'QUERY_TOO_COMPLEX'));
        if (isErrors(checked))
          throw new Error(`The document is not valid: ${checked.map(String).join('; ')}\n${source}`);
        const plan = shared.planOf(checked);
        if (!shared.isShared(plan)) {
          count.perViewer += 1;
          return;
        }
        const resourceId = event.resource.id;
        const [reads, ownView] = [contexts.newReads(), contexts.newReads()];
        const classes = Map.groupBy(audience, ({ rights }) => plan.classOf(rights, resourceId));
        const shown = new Set<string>();
        for (const [permission, members] of classes) {
          const result = await shared.execute(plan, { event, resourceId, permission, reads });
          if (!result) throw new Error(`It needed the viewer: ${source}`);
          for (const member of members) {
            const own = await execute({
              schema,
              document: checked.operation.document,
              variableValues: variables,
              rootValue: event,
              contextValue: contextOf(member, ownView),
            });
            expect(seen(result)).toEqual(seen(own));
          }
          shown.add(JSON.stringify(seen(result)));
          if (members.length > 1) count.together += 1;
        }
        count.shared += 1;
        if (shown.size > 1) count.apart += 1;
      },
    );
    const numRuns = tries(400);
    await fc.assert(property, { numRuns });
    // That all this was about something: executions that served several, and classes that saw something else.
    expect(count.shared).toBeGreaterThan(numRuns / 2);
    expect(count.together).toBeGreaterThan(numRuns / 3);
    expect(count.apart).toBeGreaterThan(numRuns / 10);
    expect(await demotions()).toBe(0);
  });

  it.each(['actor { email }', 'project { lead { sessions { id } } }', 'member { user { sessions { current } } }'])(
    'is not used for fields that depend on the viewer: %s',
    (fields) => {
      const plan = shared.planOf(readyOperation(schema, `subscription { projectsUpdated { ${fields} } }`));
      expect(shared.isShared(plan)).toBe(false);
    },
  );

  it('shares loaded rows with other classes', async () => {
    const fields = `seq actor { name } update { internalNote comments(first: 2) { nodes { body author { name } } } }
      project { budget lead { name } updates(first: 2) { nodes { title } } members { nodes { user { name } } } lastCursor }`;
    const plan = shared.planOf(readyOperation(schema, `subscription { projectsUpdated { ${fields} } }`));
    const event = events.find(({ kind }) => kind === 'UPDATE_EDITED')!;
    const resourceId = event.resource.id;
    const run = async (roles: readonly ProjectRole[]) => {
      const reads = contexts.newReads();
      const shown = new Set<string>();
      for (const role of roles) {
        const rights = { role: Role.EDITOR, disabled: false, resources: new Map([[resourceId, role]]) };
        const permission = plan.classOf(rights, resourceId);
        shown.add(JSON.stringify(seen((await shared.execute(plan, { event, resourceId, permission, reads }))!)));
      }
      return shown;
    };
    const one = await fewestStatementsOf(() => run([ProjectRole.EDITOR]));
    const both = await fewestStatementsOf(async () => {
      expect((await run([ProjectRole.EDITOR, ProjectRole.VIEWER])).size).toBe(2);
    });
    expect(one.length).toBeGreaterThan(4);
    expect(both.toSorted()).toEqual(one.toSorted());
  });
});

describe('fields below an event', () => {
  it('leave its project only where listed here', () => {
    const known = new Set<GraphQLObjectType>();
    const leaving: string[] = [];
    const walk = (type: GraphQLObjectType) => {
      if (known.has(type)) return;
      known.add(type);
      for (const field of Object.values(type.getFields())) {
        const named = getNamedType(field.type);
        if (!isObjectType(named)) continue;
        if (!isSameResource(field.extensions)) leaving.push(`${type.name}.${field.name}`);
        walk(named);
      }
    };
    walk(eventType());
    expect(leaving.filter((name) => !name.endsWith('.pageInfo')).toSorted()).toEqual([
      'Comment.author',
      'Project.lead',
      'ProjectEvent.actor',
      'ProjectMember.user',
      'ProjectUpdate.author',
      'Session.openSockets',
      'Session.user',
      'User.sessions',
    ]);
  });
});
