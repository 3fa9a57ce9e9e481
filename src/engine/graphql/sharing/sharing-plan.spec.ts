import {
  type GraphQLFieldConfig,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  parse,
  print,
} from 'graphql';
import type { ClassValue } from '../../access/class-value.js';
import { type ClassRule, classPolicy, type Policy } from '../../access/policy.js';
import { type AccountRights, Role } from '../../access/role.js';
import { ForbiddenError, NotFoundError } from '../../errors/service-error.js';
import { parsedOperation } from '../../../../test/support/parsed-operations.js';
import { Metrics } from '../../monitoring/metrics.js';
import { NormalizedOperations } from '../operations/normalized-operations.js';
import { planOf } from './sharing-plan.js';
import { service } from '../../../../test/fixtures/engine-domain/service.js';

type Config = GraphQLFieldConfig<{ id: string }, unknown>;

const [absent, refused, notAdmin] = [
  new NotFoundError('Thing'),
  new ForbiddenError('EDITOR'),
  new ForbiddenError('ADMIN'),
];
const edits: ClassRule = {
  outcome: ({ resources }, id) => {
    if (!resources.has(id)) return absent;
    return resources.get(id) === 'EDITOR' ? undefined : refused;
  },
};
const administers: ClassRule = { outcome: ({ role }) => (role === Role.ADMIN ? undefined : notAdmin) };
const directive = (name: string) => ({ name, description: name, args: {} });
const editor = () =>
  classPolicy({ directive: directive('editor'), args: {}, rule: edits, resourceOf: ({ id }: { id: string }) => id });
const admin = () => classPolicy({ directive: directive('admin'), args: {}, rule: administers });
const self: Policy = { directive: directive('self'), args: {}, check: () => {} };

/** The role in the resource, as a field shows it. */
const STANDING: ClassValue = { of: ({ resources }, id) => resources.get(id) };

const guardedBy = (...policies: Policy[]) =>
  Object.fromEntries(policies.map((one) => [`policy:${one.directive.name}`, one]));
const text = (extensions = {}): Config => ({ type: GraphQLString, extensions });
const same = { sameResource: true };

const Account = new GraphQLObjectType({
  name: 'Account',
  fields: {
    name: text(),
    email: text(guardedBy(self)),
    me: text({ viewerDependent: true }),
    log: text(guardedBy(admin())),
  },
});
const Named = new GraphQLInterfaceType({ name: 'Named', fields: { name: { type: GraphQLString } } });
const Thing: GraphQLObjectType = new GraphQLObjectType({
  name: 'Thing',
  interfaces: [Named],
  fields: () => ({
    name: text(),
    secret: text(guardedBy(editor())),
    plan: text(guardedBy(editor())),
    log: text(guardedBy(admin())),
    standing: text({ classValue: STANDING }),
    part: { type: Thing, extensions: same, args: { first: { type: GraphQLInt } } },
    parts: { type: new GraphQLList(new GraphQLNonNull(Thing)), extensions: same },
    elsewhere: { type: Thing },
    owner: { type: Account },
    named: { type: Named, extensions: same },
  }),
});
const Hidden = new GraphQLObjectType({
  name: 'Hidden',
  interfaces: [Named],
  fields: { name: text(guardedBy(editor())) },
});
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { name: text() } }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: {
      thing: {
        type: Thing,
        args: {
          id: { type: GraphQLString },
          after: { type: GraphQLString },
          own: { type: GraphQLInt, defaultValue: 1 },
        },
        extensions: { ...same, deliveryArguments: ['after', 'own'], ...guardedBy(self) },
      },
      foreign: { type: Thing },
    },
  }),
  types: [Hidden],
});

const normals = new NormalizedOperations(new Metrics({ service }));
const normal = (source: string, name?: string) => normals.of(parsedOperation(schema, source, name));
const plan = (source: string, variables: Record<string, unknown> = {}, operationName?: string) =>
  planOf(normal(source, operationName), variables, 1);
const selecting = (fields: string) => plan(`subscription { thing ${fields} }`);
const rights = (role: Role, ...resources: [string, string][]): AccountRights => ({
  role,
  disabled: false,
  resources: new Map(resources),
});
/** The rules that a plan asks, by what a nobody is told. */
const asked = (fields: string) => [...selecting(fields).classOf(rights(Role.USER), 'x').outcomes.keys()];

const classOf = (fields: string, role: string) => selecting(fields).classOf(rights(Role.USER, ['x', role]), 'x');

describe('a class value', () => {
  it('makes one class of viewers with the same value, and separate classes of others', () => {
    const fields = '{ standing part { standing } }';
    expect(selecting(fields).perViewer).toBeUndefined();
    expect([...classOf(fields, 'EDITOR').values]).toEqual([[STANDING, 'EDITOR']]);
    expect(classOf(fields, 'EDITOR').key).toBe(classOf(fields, 'EDITOR').key);
    expect(classOf(fields, 'EDITOR').key).not.toBe(classOf(fields, 'VIEWER').key);
    expect(classOf('{ name }', 'EDITOR').key).toBe(classOf('{ name }', 'VIEWER').key);
  });

  it('depends on the viewer if the object may belong to another resource', () => {
    expect(selecting('{ elsewhere { standing } }').perViewer).toContain('Thing.standing may be about another resource');
  });
});

describe('the dependencies of a document', () => {
  it.each([
    ['nothing guarded', '{ name owner { name } elsewhere { name } }', []],
    ['a guarded field', '{ secret }', [edits]],
    ['the same rule in several fields, once', '{ secret plan part { secret } }', [edits]],
    ['several rules', '{ secret log }', [edits, administers]],
    ['an alias', '{ name: secret }', [edits]],
    ['a list of what belongs there', '{ parts { part { secret } } }', [edits]],
    ['an inline fragment', '{ ... on Thing { ... { secret } } }', [edits]],
    ['an interface, of which one type guards the field', '{ named { name } }', [edits]],
    ['a fragment on an interface, in a type that does not guard it', '{ ... on Named { name } }', []],
    ['a fragment on another type than the one at hand', '{ named { ... on Thing { name } } }', []],
    ['a rule about the account, however far away', '{ owner { log } elsewhere { elsewhere { log } } }', [administers]],
    ['what is left out', '{ name secret @skip(if: true) log @include(if: false) }', []],
    ['what is kept', '{ secret @skip(if: false) log @include(if: true) }', [edits, administers]],
    ['what is left out of one place, and not of another', '{ secret @skip(if: true) alias: secret }', [edits]],
  ] as const)('%s', (_what, fields, rules) => {
    expect(selecting(fields).perViewer).toBeUndefined();
    expect(asked(fields)).toEqual(rules);
  });

  it.each([
    ['a field that looks at the viewer', '{ owner { me } }', 'Account.me depends on the viewer'],
    ['a policy about the viewer', '{ owner { email } }', 'Account.email: @self depends on the viewer'],
    ['an object that may belong elsewhere', '{ elsewhere { secret } }', 'Thing.secret: @editor may be about another'],
    ['a way back from there', '{ elsewhere { part { secret } } }', 'Thing.secret: @editor may be about another'],
    ['a way there behind a fragment', '{ ...F }', 'Thing.secret: @editor may be about another'],
    [
      'both ways through one fragment',
      '{ part { ...G } elsewhere { ...G } }',
      'Thing.secret: @editor may be about another',
    ],
  ])('%s is executed per viewer', (_what, fields, reason) => {
    const fragments = 'fragment F on Thing { elsewhere { ...G } } fragment G on Thing { secret }';
    const used = fields.includes('...F') ? fragments : fields.includes('...G') ? 'fragment G on Thing { secret }' : '';
    expect(plan(`subscription { thing ${fields} } ${used}`).perViewer).toContain(reason);
  });

  it('are empty for an event without a resource, but fields of other resources are per viewer', () => {
    expect(plan('subscription { foreign { name log } }').perViewer).toBeUndefined();
    expect(plan('subscription { foreign { secret } }').perViewer).toContain('may be about another resource');
  });

  it('exclude the policies of the root field, which are checked when it begins', () => {
    expect(selecting('{ name }').classOf(rights(Role.USER), 'x').outcomes.size).toBe(0);
  });

  it('are those of the executed operation, not of others in the document', () => {
    const source =
      'subscription A { thing { ...F } } subscription B { thing { name } } fragment F on Thing { owner { me } }';
    expect(plan(source, {}, 'A').perViewer).toContain('Account.me');
    expect(plan(source, {}, 'B').perViewer).toBeUndefined();
  });

  it('follow the variables of @include and @skip, and their defaults', () => {
    const conditional = normal(
      'subscription ($a: Boolean!, $b: Boolean = true) { thing { secret @include(if: $a) owner { me @skip(if: $b) } } }',
    );
    const under = (variables: Record<string, unknown>) => planOf(conditional, variables, 1);
    expect(under({ a: true }).classOf(rights(Role.USER), 'x').outcomes.size).toBe(1);
    expect(under({ a: false }).classOf(rights(Role.USER), 'x').outcomes.size).toBe(0);
    expect(under({ a: true }).perViewer).toBeUndefined();
    expect(under({ a: true, b: false }).perViewer).toContain('Account.me');
    expect(under({ a: true, b: true }).classOf).toBe(under({ a: true }).classOf);
  });

  it('are found in a time that does not grow with the paths through a document', () => {
    const fragments = Array.from(
      { length: 40 },
      (_, at) => `fragment F${at} on Thing { part { ...F${at + 1} ...F${at + 1} } }`,
    );
    const source = `subscription { thing { ...F0 } } ${fragments.join(' ')} fragment F40 on Thing { secret }`;
    expect(plan(source).perViewer).toBeUndefined();
  });
});

describe('a permission class', () => {
  const both = selecting('{ secret log }');

  it('is equal for equal outcomes, whatever the rights are', () => {
    const [one, other] = [rights(Role.USER, ['x', 'EDITOR'], ['y', 'VIEWER']), rights(Role.EDITOR, ['x', 'EDITOR'])];
    expect(both.classOf(one, 'x')).toBe(both.classOf(other, 'x'));
    expect([...both.classOf(one, 'x').outcomes]).toEqual([
      [edits, undefined],
      [administers, notAdmin],
    ]);
  });

  it('differs between allowed, FORBIDDEN and NOT_FOUND, and between rules', () => {
    const all = [Role.USER, Role.ADMIN].flatMap((role) =>
      [rights(role), rights(role, ['x', 'VIEWER']), rights(role, ['x', 'EDITOR'])].map((of) => both.classOf(of, 'x')),
    );
    expect(new Set(all.map(({ key }) => key)).size).toBe(6);
    expect(new Set(all).size).toBe(6);
  });

  it('is that of the resource of the event', () => {
    const viewer = rights(Role.USER, ['x', 'EDITOR'], ['y', 'VIEWER']);
    expect(both.classOf(viewer, 'x')).not.toBe(both.classOf(viewer, 'y'));
  });

  it('keeps its outcomes when rights change', () => {
    const viewer = rights(Role.USER, ['x', 'EDITOR']);
    const before = both.classOf(viewer, 'x');
    viewer.resources.delete('x');
    expect(before.outcomes.get(edits)).toBeUndefined();
    expect(both.classOf(viewer, 'x').outcomes.get(edits)).toBe(absent);
  });
});

const key = (source: string, variables?: Record<string, unknown>) => plan(source, variables).groupKey;

describe('the group key', () => {
  const base = key('subscription ($i: String) { thing(id: $i) { name } }', { i: 'a' });

  it.each([
    ['another layout', 'subscription ($i: String)\n{ # hello\n thing(id: $i), { name } }', { i: 'a' }],
    ['a cursor', 'subscription ($i: String) { thing(id: $i, after: "c") { name } }', { i: 'a' }],
    [
      'a cursor in a variable',
      'subscription ($i: String, $c: String = "d") { thing(id: $i, after: $c) { name } }',
      { i: 'a', c: 'c' },
    ],
    [
      'all that says what is delivered',
      'subscription ($i: String, $o: Int) { thing(own: $o, id: $i, after: "") { name } }',
      { i: 'a', o: 2 },
    ],
    ['a variable that is not declared', 'subscription ($i: String) { thing(id: $i) { name } }', { i: 'a', z: 1 }],
    [
      'other operations and fragments',
      'subscription ($i: String) { thing(id: $i) { name } } fragment F on Thing { secret }',
      { i: 'a' },
    ],
  ])('is equal for operations that differ in %s', (_what, source, variables) => {
    expect(key(source, variables)).toBe(base);
  });

  it.each([
    ['another field', 'subscription ($i: String) { thing(id: $i) { secret } }', { i: 'a' }],
    ['another alias', 'subscription ($i: String) { thing(id: $i) { title: name } }', { i: 'a' }],
    ['another order', 'subscription ($i: String) { thing(id: $i) { name __typename } }', { i: 'a' }],
    ['another value', 'subscription ($i: String) { thing(id: $i) { name } }', { i: 'b' }],
    ['null for absent', 'subscription ($i: String) { thing(id: $i) { name } }', { i: null }],
    ['no value', 'subscription ($i: String) { thing(id: $i) { name } }', {}],
    ['another name of the operation', 'subscription X($i: String) { thing(id: $i) { name } }', { i: 'a' }],
  ])('differs for operations that differ in %s', (_what, source, variables) => {
    expect(key(source, variables)).not.toBe(base);
  });

  it('depends on a cursor that is also used elsewhere', () => {
    const source = 'subscription ($c: Int) { thing(own: $c) { part(first: $c) { name } } }';
    expect(key(source, { c: 1 })).not.toBe(key(source, { c: 2 }));
    expect(key(source, { c: 1 })).toBe(key(source.replace('own: $c', 'own: 7'), { c: 1 }));
  });

  it('does not depend on whether a default is written', () => {
    const source = 'subscription ($n: Int = 3) { thing { part(first: $n) { name } } }';
    expect(key(source, { n: 3 })).toBe(key(source));
    expect(plan(source).documentKey).toBe(plan(source, { n: 4 }).documentKey);
  });

  it('belongs to one document without locations and delivery arguments', () => {
    const source =
      'subscription A($i: String, $c: String) { thing(id: $i, after: $c) { ...F } } fragment F on Thing { name }';
    const { document, variables } = plan(`${source} subscription B { thing { name } }`, { i: 'a', c: 'c', z: 1 }, 'A');
    expect(print(document)).toBe(print(parse(source.replace(', $c: String', '').replace(', after: $c', ''))));
    expect(document.definitions.every(({ loc }) => loc === undefined)).toBe(true);
    expect(variables).toEqual({ i: 'a' });
  });
});
