// Which operations may run, for every kind of caller and transport, and which documents are cached.
import { buildSchema, getIntrospectionQuery, type GraphQLObjectType } from 'graphql';
import { growth, LINEAR } from '../../../../test/support/growth.js';
import { Metrics } from '../../monitoring/metrics.js';
import { DocumentCache } from './document-cache.js';
import { isErrors, OperationPipeline, type Sender } from './operation-pipeline.js';
import { service } from '../../../../test/fixtures/engine-domain/service.js';

const schema = buildSchema(`
  """${'A long description. '.repeat(200)}"""
  type Node { name: String  next: Node  one(id: ID): Node }
  type Query { name: String  node: Node  ids(of: [ID]): Node  grid(of: [[ID]]): Node  list(first: Int): [Node!]! }
  type Mutation { login: String  write(text: String): Node }
  type Subscription { events(after: String): Node }`);
(schema.getMutationType() as GraphQLObjectType).getFields()['login']!.extensions = { credential: true };

const MEMBER: Sender = { signedIn: true, via: 'http' };
const STRANGER: Sender = { signedIn: false, via: 'http' };
const ON_SOCKET: Sender = { signedIn: true, via: 'socket' };

let metrics: Metrics;
let cache: DocumentCache;
let pipeline: OperationPipeline;
beforeEach(() => {
  metrics = new Metrics({ service });
  cache = new DocumentCache(metrics);
  pipeline = new OperationPipeline(cache, metrics, { introspection: true, service });
});

/** Codes of the refusal, or what it costs. */
function outcome(query: string, sender = MEMBER, more = {}): number | readonly unknown[] {
  const ready = pipeline.prepare(schema, { query, ...more }, sender);
  return isErrors(ready) ? ready.map(({ extensions }) => extensions['code']) : ready.cost;
}
function message(query: string, sender = MEMBER): string | undefined {
  const ready = pipeline.prepare(schema, { query }, sender);
  return isErrors(ready) ? ready[0]?.message : undefined;
}
const sample = async (name: string, labels = {}): Promise<number | undefined> => {
  const { values } = await metrics.registry.getSingleMetric(name)!.get();
  return values.find((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))?.value;
};
const aliases = (count: number, field: string) =>
  Array.from({ length: count }, (_, at) => `a${at}: ${field}`).join(' ');
const operations = (count: number) => Array.from({ length: count }, (_, at) => `query Q${at} { name }`).join(' ');
/** A valid document of exactly so many tokens; names do not count. */
const ofTokens = (tokens: number, start = '{ node') => {
  const names = tokens - start.split(' ').length - 3;
  return `${start} { ${'name '.repeat(Math.min(names, 500))}${Array.from({ length: Math.max(0, names - 500) / 3 }, (_, at) => `b${at}: name`).join(' ')} } }`;
};

describe('a document', () => {
  it('of an anonymous client has at most 500 tokens', () => {
    expect(outcome(ofTokens(500), STRANGER)).toBeGreaterThan(1);
    expect(outcome(ofTokens(501), STRANGER)).toEqual(['UNAUTHENTICATED']);
    expect(message(ofTokens(501), STRANGER)).toBe('Sign in first: without that a document has at most 500 tokens.');
    expect(outcome(ofTokens(501))).toBeGreaterThan(1);
  });

  it('is checked for its sender, also if it is cached', () => {
    for (const sender of [MEMBER, MEMBER, MEMBER]) expect(outcome(ofTokens(501), sender)).toBeGreaterThan(1);
    expect(pipeline.knows(ofTokens(501))).toBe(true);
    expect(outcome(ofTokens(501), STRANGER)).toEqual(['UNAUTHENTICATED']);
  });

  it('has at most 4,000 tokens', () => {
    expect(outcome(`{ ${aliases(1_333, 'name')} }`)).toEqual(['GRAPHQL_PARSE_FAILED']);
    expect(message(`{ ${aliases(1_333, 'name')} }`)).toBe('A document has at most 4000 tokens.');
    expect(outcome(`{ node { ${aliases(1_331, 'name')} } }`)).toBe(1_332);
  });

  it('has at most ten operations', () => {
    expect(outcome(operations(10), MEMBER, { operationName: 'Q9' })).toBe(1);
    expect(outcome(operations(11), MEMBER, { operationName: 'Q9' })).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  });

  it('with a subscription has at most 1,000 tokens', () => {
    expect(outcome(ofTokens(1_000, 'subscription { events'), ON_SOCKET)).toBeGreaterThan(1);
    expect(outcome(ofTokens(1_003, 'subscription { events'), ON_SOCKET)).toEqual(['QUERY_TOO_COMPLEX']);
  });

  it('with subscriptions alone is refused for its tokens before it is validated', () => {
    const invalid = `subscription { events { ${aliases(400, 'unknown')} } }`;
    expect(outcome(invalid, ON_SOCKET)).toEqual(['QUERY_TOO_COMPLEX']);
    expect(outcome(`${invalid} query Q { name }`, ON_SOCKET)).toContain('GRAPHQL_VALIDATION_FAILED');
  });

  it('with a long query and a subscription still runs the query', () => {
    const both = `subscription S { events { name } } query Q { node { ${aliases(400, 'name')} } }`;
    expect(outcome(both, MEMBER, { operationName: 'Q' })).toBeGreaterThan(1);
    expect(outcome(both, ON_SOCKET, { operationName: 'S' })).toEqual(['QUERY_TOO_COMPLEX']);
  });
});

describe('an operation', () => {
  it.each<[string, number]>([
    ['mutation', 10],
    ['query', 250],
  ])('of type %s has at most %i root fields, including fragments', (kind, most) => {
    const field = kind === 'mutation' ? 'write { name }' : 'name';
    const type = kind === 'mutation' ? 'Mutation' : 'Query';
    const spread = (count: number) =>
      `${kind} { ...F other: __typename } fragment F on ${type} { ${aliases(count, field)} }`;
    expect(outcome(`${kind} { ${aliases(most, field)} }`)).toBeGreaterThan(1);
    expect(outcome(`${kind} { ${aliases(most + 1, field)} }`)).toEqual(['QUERY_TOO_COMPLEX']);
    expect(outcome(spread(most - 1))).toBeGreaterThan(1);
    expect(outcome(spread(most))).toEqual(['QUERY_TOO_COMPLEX']);
    // What is merged is executed once.
    expect(outcome(`${kind} { ${`${field} `.repeat(most + 1)} }`)).toBeGreaterThan(0);
  });

  it('with credentials runs over HTTP only', () => {
    expect(outcome('mutation { login }')).toBe(1);
    expect(outcome('mutation { login }', ON_SOCKET)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    expect(outcome('mutation { ...A } fragment A on Mutation { a: login }', ON_SOCKET)).toEqual([
      'GRAPHQL_VALIDATION_FAILED',
    ]);
  });

  it('is the only one of the document if the name is absent, null or empty', () => {
    for (const operationName of [undefined, null, '']) {
      expect(outcome('query A { name }', MEMBER, { operationName })).toBe(1);
      expect(outcome('query A { name } query B { name }', MEMBER, { operationName })).toEqual([
        'OPERATION_RESOLUTION_FAILURE',
      ]);
    }
  });
});

const nestedLists = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown;
const nestedObjects = (levels: number) => JSON.parse('{"a":'.repeat(levels) + '1' + '}'.repeat(levels)) as unknown;

describe('variables', () => {
  it.each<[string, string, (size: number) => unknown, number | string]>([
    ['a list of many values', '($v: [ID]) { ids(of: $v) { name } }', (size) => Array.from({ length: size }, String), 2],
    [
      'a list of wrong values',
      '($v: [ID]) { ids(of: $v) { name } }',
      (size) => Array(size).fill(true),
      'BAD_USER_INPUT',
    ],
    ['lists within lists', '($v: [[ID]]) { grid(of: $v) { name } }', nestedLists, 'BAD_USER_INPUT'],
    ['objects within objects', '($v: ID) { ids(of: [$v]) { name } }', nestedObjects, 'BAD_USER_INPUT'],
    ['objects that nobody asks for', '($w: ID) { ids(of: [$w]) { name } }', nestedObjects, 2],
  ])('are checked in linear time: %s', async (_what, query, valueOf, expected) => {
    const work = (v: unknown) => outcome(`query ${query}`, MEMBER, { variables: { v } });
    expect(work(valueOf(50_000))).toEqual(typeof expected === 'number' ? expected : [expected]);
    expect(await growth(50_000, valueOf, work)).toBeLessThan(LINEAR);
  });
});

describe('introspection', () => {
  const much = `{ __schema { types { ${aliases(150, 'description')} } } }`;

  it('is answered once per document for anonymous clients', () => {
    expect(outcome(getIntrospectionQuery(), STRANGER)).toBeGreaterThan(100);
  });

  it('may be large for signed-in clients only', () => {
    expect(outcome(much)).toBeGreaterThan(100);
    expect(outcome(much, STRANGER)).toEqual(['UNAUTHENTICATED']);
    expect(message(much, STRANGER)).toBe(
      'Sign in first: without that the answer about the schema has at most 192 KiB.',
    );
  });
});

describe('the document cache', () => {
  it('contains a document from its second use on', () => {
    const known = [1, 2, 3].map(() => {
      outcome('{ name }');
      return pipeline.knows('{ name }');
    });
    expect(known).toEqual([false, true, true]);
  });

  it('has one object for HTTP and sockets', async () => {
    for (const sender of [MEMBER, ON_SOCKET]) outcome('{ name }', sender);
    const [one, other] = [MEMBER, ON_SOCKET].map((sender) => pipeline.prepare(schema, { query: '{ name }' }, sender));
    expect(!isErrors(one!) && !isErrors(other!) && one!.operation === other!.operation).toBe(true);
    expect(await sample('notes_document_lookups_total', { result: 'hit' })).toBe(2);
    expect(await sample('notes_document_lookups_total', { result: 'miss' })).toBe(2);
  });

  it('contains the errors of a refused document, without its tree', () => {
    const refuse = (sender: Sender) => pipeline.prepare(schema, { query: '{ nothing\n other }' }, sender);
    const [first, second] = [refuse(MEMBER), refuse(ON_SOCKET)];
    expect(second).toBe(first);
    expect(isErrors(first) && first.map((error) => error.toJSON())).toEqual([
      expect.objectContaining({ locations: [{ line: 1, column: 3 }] }),
      expect.objectContaining({ locations: [{ line: 2, column: 2 }] }),
    ]);
    expect(isErrors(first) && first.every(({ nodes, source }) => !nodes && !source)).toBe(true);
    expect(pipeline.knows('{ nothing\n other }')).toBe(false);
  });

  it('takes about 2 MB, whatever is sent', async () => {
    for (let at = 0; at < 30; at += 1) {
      for (const sender of [MEMBER, MEMBER, STRANGER]) {
        outcome(`{ node { ${aliases(500, 'name')} b${at}: name } }`, sender);
        outcome(`{ nothing${at} ${'x'.repeat(10_000)} }`, sender);
      }
    }
    expect(await sample('notes_document_cache_bytes')).toBeLessThanOrEqual(2.5 * 1024 * 1024);
    expect(await sample('notes_document_cache_bytes')).toBeGreaterThan(1024 * 1024);
  });

  it('of signed-in clients is not displaced by anonymous ones', () => {
    for (let time = 0; time < 2; time += 1) outcome('{ name }');
    for (let at = 0; at < 40; at += 1) {
      for (let time = 0; time < 2; time += 1) outcome(`{ node { ${aliases(150, 'name')} b${at}: name } }`, STRANGER);
    }
    expect(pipeline.knows('{ name }')).toBe(true);
  });
});

it('counts refusals by their code', async () => {
  outcome('{ nothing }');
  outcome('{');
  outcome('{ nothing }');
  expect(await sample('notes_operations_refused_total', { code: 'GRAPHQL_VALIDATION_FAILED' })).toBe(2);
  expect(await sample('notes_operations_refused_total', { code: 'GRAPHQL_PARSE_FAILED' })).toBe(1);
  // graphql-js gives this one no code.
  const query = 'query ($if: Boolean = true) { name @include(if: $if) }';
  expect(outcome(query, MEMBER, { variables: { if: null } })).toEqual([undefined]);
  expect(await sample('notes_operations_refused_total', { code: 'BAD_USER_INPUT' })).toBe(1);
});
