import {
  graphql,
  type GraphQLFieldConfig,
  GraphQLInputObjectType,
  GraphQLInterfaceType,
  GraphQLObjectType,
  GraphQLNonNull,
  GraphQLSchema,
  GraphQLString,
  subscribe,
  parse,
} from 'graphql';
import { z } from 'zod';
import type { OperationContext } from '../../access/operation-context.js';
import type { Policy } from '../../access/policy.js';
import { ForbiddenError, NotFoundError } from '../../errors/service-error.js';
import type { SchemaGuards } from './field-guards.js';
import { guardSchema } from './guarded-schema.js';

const order: string[] = [];
const policy = (name: string, refuse = false): Policy => ({
  directive: { name, description: `The rule ${name}.`, args: {} },
  args: {},
  check: ({ args }) => {
    order.push(`${name} ${JSON.stringify(args)}`);
    if (refuse) throw new ForbiddenError('OWNER');
  },
});
const guardedBy = (...policies: Policy[]) =>
  Object.fromEntries(policies.map((one) => [`policy:${one.directive.name}`, one]));

type Config = GraphQLFieldConfig<unknown, OperationContext>;
const discarded = { times: 0 };
const contextValue = {
  discardReads: () => void (discarded.times += 1),
  withNewReads: () => contextValue,
} as unknown as OperationContext;

function schemaOf(
  query: Record<string, Config>,
  more: { mutation?: Record<string, Config>; subscription?: Record<string, Config> } = {},
): GraphQLSchema {
  const root = (name: string, fields: Record<string, Config> | undefined) =>
    fields ? new GraphQLObjectType({ name, fields }) : undefined;
  return new GraphQLSchema({
    query: root('Query', query),
    mutation: root('Mutation', more.mutation),
    subscription: root('Subscription', more.subscription),
  });
}
const Input = new GraphQLInputObjectType({ name: 'Input', fields: { key: { type: GraphQLString } } });
const resolve = () => void order.push('resolved');
async function* events() {
  yield 1;
  yield 2;
}
const open: Config = { type: GraphQLString, resolve: () => 'open', extensions: guardedBy(policy('public')) };

const subscription = (...policies: Policy[]): Config => ({
  type: GraphQLString,
  subscribe: events,
  resolve: String,
  extensions: guardedBy(...policies),
});

beforeEach(() => {
  order.length = 0;
  discarded.times = 0;
});

describe('guardSchema', () => {
  it.each([
    ['Query.bare', schemaOf({ bare: { type: GraphQLString } })],
    ['Mutation.bare', schemaOf({ open }, { mutation: { bare: { type: GraphQLString } } })],
    ['Subscription.bare', schemaOf({ open }, { subscription: { bare: { type: GraphQLString } } })],
  ])('refuses a schema in which %s has no policy', (name, schema) => {
    expect(() => guardSchema(schema)).toThrow(`${name} has no policy`);
  });

  it('refuses a guarded field that is not nullable', () => {
    const user = new GraphQLObjectType({
      name: 'User',
      fields: { email: { type: new GraphQLNonNull(GraphQLString), extensions: guardedBy(policy('self')) } },
    });
    expect(() => guardSchema(schemaOf({ me: { type: user, extensions: guardedBy(policy('public')) } }))).toThrow(
      'User.email is guarded and must be nullable',
    );
  });

  it('refuses a policy with an unknown enum', () => {
    const needsRole: Policy = {
      directive: { name: 'hasRole', description: 'x', args: { role: 'Role' } },
      args: { role: 'ADMIN' },
      check: () => {},
    };
    expect(() => guardSchema(schemaOf({ me: { type: GraphQLString, extensions: guardedBy(needsRole) } }))).toThrow(
      'needs the enum Role',
    );
  });

  it.each([
    ['an argument that is not there', ['id'], {}, 'Query.field: @at starts from the argument "id"'],
    ['part of an input that is not there', ['input', 'id'], { input: { type: Input } }, 'the argument "input.id"'],
    ['part of what is no input object', ['key', 'id'], { key: { type: GraphQLString } }, 'the argument "key.id"'],
    ['a whole input object', ['input'], { input: { type: Input } }, 'the argument "input"'],
  ])('refuses a policy that starts from %s', (_what, path, args, message) => {
    const at = { ...policy('at'), startsFrom: [path] };
    const field: Config = { type: GraphQLString, args, extensions: guardedBy(at) };
    expect(() => guardSchema(schemaOf({ field }))).toThrow(message);
  });

  it('accepts policies whose arguments exist', () => {
    const at = { ...policy('at'), startsFrom: [['input', 'key'], ['id']] };
    const args = { input: { type: new GraphQLNonNull(Input) }, id: { type: GraphQLString } };
    expect(guardSchema(schemaOf({ field: { type: GraphQLString, args, extensions: guardedBy(at) } }))).toBeDefined();
  });

  it('refuses a policy on a root field that starts from the parent', () => {
    const at: Policy = { ...policy('at'), startsFrom: 'parent' };
    expect(() => guardSchema(schemaOf({ field: { type: GraphQLString, extensions: guardedBy(at) } }))).toThrow(
      'Query.field: @at starts from the parent',
    );
  });

  it('refuses a type without a policy of its interface', () => {
    const Node = new GraphQLInterfaceType({
      name: 'Node',
      fields: { secret: { type: GraphQLString, extensions: guardedBy(policy('a'), policy('b')) } },
    });
    const user = (...kept: Policy[]) =>
      new GraphQLObjectType({
        name: 'User',
        interfaces: [Node],
        fields: { secret: { type: GraphQLString, extensions: guardedBy(...kept) } },
      });
    const schema = (...kept: Policy[]) =>
      guardSchema(schemaOf({ me: { type: user(...kept), extensions: guardedBy(policy('public')) } }));
    expect(() => schema(policy('a'))).toThrow('User.secret lacks @b, which Node.secret declares');
    expect(schema(policy('a'), policy('b'))).toBeDefined();
  });

  it.each([
    ['that is not there', { deliveryArguments: ['before'] }, 'Subscription.events has no argument "before"'],
    ['that is required', { deliveryArguments: ['id'] }, 'Subscription.events: the argument "id"'],
  ])('refuses a delivery argument %s', (_what, extensions, message) => {
    const field: Config = {
      ...subscription(policy('a')),
      args: { id: { type: new GraphQLNonNull(GraphQLString) } },
    };
    field.extensions = { ...field.extensions, ...extensions };
    expect(() => guardSchema(schemaOf({ open }, { subscription: { events: field } }))).toThrow(message);
  });

  it('declares each directive once, with its description', () => {
    const schema = guardSchema(
      schemaOf({ a: open, b: { ...open, extensions: guardedBy(policy('public'), policy('signedIn')) } }),
    );
    expect(schema.getDirective('public')?.description).toBe('The rule public.');
    expect(schema.getDirectives().filter(({ name }) => name === 'public' || name === 'signedIn')).toHaveLength(2);
  });

  it('does not change a field without policies', () => {
    const user = new GraphQLObjectType({
      name: 'User',
      fields: { name: { type: GraphQLString, resolve }, plain: { type: GraphQLString } },
    });
    const fields = (
      guardSchema(schemaOf({ me: { type: user, extensions: guardedBy(policy('public')) } })).getType(
        'User',
      ) as GraphQLObjectType
    ).getFields();
    expect(fields['name']?.resolve).toBe(resolve);
    expect(fields['plain']?.resolve).toBeUndefined();
  });
});

describe('a guarded field', () => {
  it('is checked by all of its policies in order before it is resolved', async () => {
    const field: Config = { type: GraphQLString, resolve, extensions: guardedBy(policy('b'), policy('a')) };
    await graphql({ schema: guardSchema(schemaOf({ field })), source: '{ field }', contextValue });
    expect(order).toEqual(['a {}', 'b {}', 'resolved']);
  });

  it('is resolved synchronously if its policies are synchronous', () => {
    const { resolve: answer } = guardSchema(
      schemaOf({ field: { type: GraphQLString, resolve: () => 'at once', extensions: guardedBy(policy('a')) } }),
    )
      .getQueryType()!
      .getFields()['field']!;
    expect(answer!(undefined, {}, contextValue, {} as never)).toBe('at once');
  });

  it('waits for an asynchronous policy before the next one', async () => {
    const slow: Policy = { ...policy('b'), check: () => Promise.resolve().then(() => void order.push('b')) };
    const field: Config = { type: GraphQLString, resolve, extensions: guardedBy(policy('a'), slow, policy('c')) };
    await graphql({ schema: guardSchema(schemaOf({ field })), source: '{ field }', contextValue });
    expect(order).toEqual(['a {}', 'b', 'c {}', 'resolved']);
    const refusing: Policy = { ...slow, check: () => Promise.reject(new ForbiddenError('OWNER')) };
    const closed: Config = { type: GraphQLString, resolve, extensions: guardedBy(refusing, policy('c')) };
    order.length = 0;
    const result = await graphql({ schema: guardSchema(schemaOf({ closed })), source: '{ closed }', contextValue });
    expect(result.errors?.map(({ extensions }) => extensions['code'])).toEqual(['FORBIDDEN']);
    expect(order).toEqual([]);
  });

  it('is null with one error and not resolved if it is refused', async () => {
    const field: Config = { type: GraphQLString, resolve, extensions: guardedBy(policy('a'), policy('no', true)) };
    const result = await graphql({
      schema: guardSchema(schemaOf({ field, open })),
      source: '{ field open }',
      contextValue,
    });
    expect(result.data).toEqual({ field: null, open: 'open' });
    expect(result.errors?.map(({ path, extensions }) => [path, extensions])).toEqual([
      [['field'], { code: 'FORBIDDEN', requires: 'OWNER' }],
    ]);
    expect(order).not.toContain('resolved');
  });

  it('validates its arguments first, and passes on the parsed values', async () => {
    const input = z.object({
      name: z
        .string()
        .transform((name) => name.trim())
        .pipe(z.string().min(1, 'must not be empty')),
    });
    const field: Config = {
      type: GraphQLString,
      args: { name: { type: GraphQLString } },
      resolve: (_parent, args) => args['name'],
      extensions: { ...guardedBy(policy('a')), input },
    };
    const schema = guardSchema(schemaOf({ field }));
    expect((await graphql({ schema, source: '{ field(name: " x ") }', contextValue })).data).toEqual({ field: 'x' });
    expect(order).toEqual(['a {"name":"x"}']);
    const refused = await graphql({ schema, source: '{ field(name: " ") }', contextValue });
    expect(refused.errors?.[0]?.extensions).toEqual({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'name', message: 'must not be empty' }],
    });
    expect(order).toHaveLength(1);
  });

  it('discards cached reads after a mutation, not after a query', async () => {
    const schema = guardSchema(schemaOf({ open }, { mutation: { change: open } }));
    await graphql({ schema, source: '{ open }', contextValue });
    expect(discarded.times).toBe(0);
    await graphql({ schema, source: 'mutation { change }', contextValue });
    expect(discarded.times).toBe(1);
  });

  it('is checked before a subscription starts, not at each event', async () => {
    const document = parse('subscription { events }');
    const schema = guardSchema(schemaOf({ open }, { subscription: { events: subscription(policy('a')) } }));
    const stream = (await subscribe({ schema, document, contextValue })) as AsyncGenerator<{ data: unknown }>;
    const data: unknown[] = [];
    for await (const result of stream) data.push(result.data);
    expect(data).toEqual([{ events: '1' }, { events: '2' }]);
    expect(order).toEqual(['a {}']);
    const closed = guardSchema(schemaOf({ open }, { subscription: { events: subscription(policy('no', true)) } }));
    expect(await subscribe({ schema: closed, document, contextValue })).toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    });
  });
});

describe('a refusal by outdated rights', () => {
  let refusal: Error | undefined;
  let looks = 0;
  const guards: SchemaGuards = {
    catchUp: async () => {
      looks += 1;
      refusal = undefined;
    },
  };
  const atOnce: Policy = {
    ...policy('behind'),
    check: () => {
      if (refusal) throw refusal;
    },
  };
  const later: Policy = {
    ...policy('behind'),
    check: async () => {
      if (refusal) throw refusal;
    },
  };
  beforeEach(() => {
    looks = 0;
  });

  it.each([
    ['FORBIDDEN, at once', new ForbiddenError('OWNER'), atOnce],
    ['FORBIDDEN, after a look', new ForbiddenError('OWNER'), later],
    ['NOT_FOUND, at once', new NotFoundError('Thing'), atOnce],
    ['NOT_FOUND, after a look', new NotFoundError('Thing'), later],
  ])('is judged again on fresh rights: %s', async (_what, error, behind) => {
    const guarded: Config = { ...open, extensions: guardedBy(behind) };
    const schema = guardSchema(
      schemaOf({ guarded }, { mutation: { change: guarded }, subscription: { events: subscription(behind) } }),
      guards,
    );
    for (const source of ['{ guarded }', 'mutation { change }']) {
      refusal = error;
      expect((await graphql({ schema, source, contextValue })).errors).toBeUndefined();
    }
    refusal = error;
    const stream = await subscribe({ schema, document: parse('subscription { events }'), contextValue });
    expect(stream).not.toHaveProperty('errors');
    expect(looks).toBe(3);
  });

  it.each([
    ['NOT_FOUND is', new NotFoundError('Thing'), 'Ada', 1],
    ['FORBIDDEN is not', new ForbiddenError('OWNER'), null, 0],
  ])('below the roots %s', async (_what, error, email, expected) => {
    const fields = { email: { type: GraphQLString, extensions: guardedBy(atOnce) } };
    const me = { ...open, type: new GraphQLObjectType({ name: 'User', fields }), resolve: () => ({ email: 'Ada' }) };
    refusal = error;
    const result = await graphql({
      schema: guardSchema(schemaOf({ me }), guards),
      source: '{ me { email } }',
      contextValue,
    });
    expect(result.data).toEqual({ me: { email } });
    expect(looks).toBe(expected);
  });

  it('is confirmed after reading the log once', async () => {
    const schema = guardSchema(
      schemaOf({ closed: { ...open, extensions: guardedBy(policy('a'), policy('no', true)) } }),
      guards,
    );
    const result = await graphql({ schema, source: '{ closed }', contextValue });
    expect(result.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
    expect(looks).toBe(1);
    expect(order).toEqual(['a {}', 'no {}', 'a {}', 'no {}']);
  });
});

describe('a refusal', () => {
  const reported: string[] = [];
  const guards: SchemaGuards = {
    onRefusal: async ({ operation, field }) => void reported.push(`${operation} ${field}`),
    onDenial: (field) => void reported.push(field),
  };
  beforeEach(() => {
    reported.length = 0;
  });

  it('is reported with its root field for each operation type', async () => {
    const closed: Config = { ...open, extensions: guardedBy(policy('no', true)) };
    const roots = {
      mutation: { change: closed, fine: open },
      subscription: { events: subscription(policy('no', true)) },
    };
    const schema = guardSchema(schemaOf({ closed, open }, roots), guards);
    await graphql({ schema, source: '{ closed open }', contextValue });
    await graphql({ schema, source: 'mutation { change fine }', contextValue });
    await subscribe({ schema, document: parse('subscription { events }'), contextValue });
    expect(reported).toEqual(['query closed', 'mutation change', 'subscription events']);
  });

  it.each([
    ['synchronously', policy('no', true)],
    ['after loading', { ...policy('no'), check: () => Promise.reject(new ForbiddenError('OWNER')) }],
  ])('below the roots is reported with its type, %s', async (_when, refusing) => {
    const fields = {
      email: { type: GraphQLString, extensions: guardedBy(refusing) },
      name: { type: GraphQLString, extensions: guardedBy(policy('a')) },
    };
    const me = { ...open, type: new GraphQLObjectType({ name: 'User', fields }), resolve: () => ({ name: 'Ada' }) };
    const schema = guardSchema(schemaOf({ me }), guards);
    const result = await graphql({ schema, source: '{ me { email name } }', contextValue });
    expect(result.data).toEqual({ me: { email: null, name: 'Ada' } });
    expect(reported).toEqual(['User.email']);
  });

  it('is not reported for other errors', async () => {
    const broken: Config = { ...open, resolve: () => Promise.reject(new Error('broken')) };
    await graphql({ schema: guardSchema(schemaOf({ broken }), guards), source: '{ broken }', contextValue });
    expect(reported).toEqual([]);
  });
});
