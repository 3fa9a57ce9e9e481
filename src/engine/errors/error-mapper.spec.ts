import { buildSchema, execute, GraphQLError, locatedError, parse } from 'graphql';
import { ErrorMapper } from './error-mapper.js';
import {
  BadUserInputError,
  ConflictError,
  CursorExpiredError,
  ForbiddenError,
  InvalidCredentialsError,
  NotFoundError,
  QueryTooComplexError,
  RateLimitedError,
  RefreshTokenReusedError,
  ServiceError,
  ServiceUnavailableError,
  UnauthenticatedError,
} from './service-error.js';

const away = new Error('away');
let time = 0;
const codes: string[] = [];
const reported: [unknown, string][] = [];
const mapper = new ErrorMapper(
  (error, errorId) => reported.push([error, errorId]),
  (error) => error === away,
  () => time,
  (code) => codes.push(code),
);
const nodes = parse('{ me }').definitions[0]!;
/** The same failure of each item of a list. */
const failedItem = () => new Error('of a list');
const located = (error: unknown) => locatedError(error, [nodes], ['me']);

beforeEach(() => {
  time += 10_000;
  reported.length = 0;
});

const CASES: [ServiceError, Record<string, unknown>][] = [
  [new UnauthenticatedError(), { code: 'UNAUTHENTICATED' }],
  [new InvalidCredentialsError('Wrong.'), { code: 'INVALID_CREDENTIALS' }],
  [new ForbiddenError('OWNER'), { code: 'FORBIDDEN', requires: 'OWNER' }],
  [new ForbiddenError(), { code: 'FORBIDDEN' }],
  [new NotFoundError('Thing'), { code: 'NOT_FOUND' }],
  [
    new BadUserInputError([{ path: 'a.b', message: 'is wrong' }]),
    { code: 'BAD_USER_INPUT', fields: [{ path: 'a.b', message: 'is wrong' }] },
  ],
  [new ConflictError('VERSION', 'Changed.'), { code: 'CONFLICT', reason: 'VERSION' }],
  [new RateLimitedError(3), { code: 'RATE_LIMITED', retryAfter: 3 }],
  [new QueryTooComplexError('Too much.'), { code: 'QUERY_TOO_COMPLEX' }],
  [new CursorExpiredError(), { code: 'CURSOR_EXPIRED' }],
  [new RefreshTokenReusedError(), { code: 'REFRESH_TOKEN_REUSED' }],
  [new ServiceUnavailableError(), { code: 'SERVICE_UNAVAILABLE' }],
];

describe('a deliberate error', () => {
  it.each(CASES.map(([error, extensions]) => [error.name, error, extensions] as const))(
    'is sent to the client unchanged: %s',
    (_name, error, extensions) => {
      for (const wrapped of [
        error,
        located(error),
        located(located(error)),
        new GraphQLError('x', { originalError: error }),
        new Error('x', { cause: error }),
      ]) {
        expect(mapper.map(wrapped)).toMatchObject({ message: error.message });
        expect(mapper.map(wrapped).extensions).toEqual(extensions);
      }
      expect(reported).toEqual([]);
    },
  );

  it('keeps its path and locations, and no other property', () => {
    const mapped = mapper.map(located(new NotFoundError('Thing')));
    expect(mapped).toEqual({
      message: 'Thing not found.',
      path: ['me'],
      locations: [{ line: 1, column: 1 }],
      extensions: { code: 'NOT_FOUND' },
    });
  });
});

describe('an unexpected error', () => {
  it.each([
    ['an Error', new Error('the password is 123')],
    [
      'an Error with a code of the catalogue',
      Object.assign(new Error('secret'), { extensions: { code: 'FORBIDDEN', secret: 1 } }),
    ],
    ['a GraphQLError of a library', new GraphQLError('secret', { extensions: { code: 'BAD_USER_INPUT', secret: 1 } })],
    [
      'a GraphQLError with a code about documents',
      new GraphQLError('secret', { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
    ],
  ])('is masked, and reported under the id that the client receives: %s', (_what, error) => {
    const { message, extensions } = mapper.map(located(error));
    expect(message).toBe('Something went wrong on our side.');
    expect(extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', errorId: expect.any(String) });
    expect(reported).toEqual([[error, extensions?.['errorId']]]);
  });

  it('is reported once for all clients that receive it, and once per second if it repeats', () => {
    const shared = new Error('of a group');
    const ids = [shared, shared, located(shared)].map((error) => mapper.map(error).extensions?.['errorId']);
    expect(new Set(ids).size).toBe(1);
    expect(reported).toHaveLength(1);
    const items = Array.from({ length: 100 }, () => mapper.map(failedItem()).extensions?.['errorId']);
    expect(new Set(items).size).toBe(1);
    expect(reported).toHaveLength(2);
    time += 1_001;
    mapper.map(failedItem());
    expect(reported).toHaveLength(3);
  });

  it('shares an id with others if there are too many, and every id is in a report', () => {
    const ids = Array.from({ length: 300 }, (_, n) => mapper.map(new Error(`number ${n}`)).extensions?.['errorId']);
    expect(reported).toHaveLength(21);
    expect(new Set(ids)).toEqual(new Set(reported.map(([, id]) => id)));
  });

  it('may be any value', () => {
    for (const thrown of ['text', undefined, null, 5, { a: 1 }]) {
      expect(mapper.map(thrown).extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', errorId: expect.any(String) });
    }
    expect(new Set(reported.map(([, id]) => id)).size).toBe(5);
  });
});

describe('an unavailable backend', () => {
  it('is SERVICE_UNAVAILABLE, not an internal error', () => {
    expect(mapper.map(located(away))).toMatchObject({ path: ['me'], extensions: { code: 'SERVICE_UNAVAILABLE' } });
    expect(reported).toEqual([]);
  });
});

describe('an error of a library before execution', () => {
  it.each(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'OPERATION_RESOLUTION_FAILURE'])(
    'keeps its code and message: %s',
    (code) => {
      const error = new GraphQLError('Cannot query field.', {
        extensions: { code, http: { status: 400 }, stacktrace: [] },
        originalError: new GraphQLError('Cannot query field.'),
      });
      expect(mapper.map(error)).toEqual({ message: 'Cannot query field.', extensions: { code } });
    },
  );

  it.each(['BAD_REQUEST', 'PERSISTED_QUERY_NOT_SUPPORTED'])('that is not of GraphQL is bad input: %s', (code) => {
    expect(mapper.map(new GraphQLError('No body.\n', { extensions: { code } }))).toEqual({
      message: 'No body.',
      extensions: { code: 'BAD_USER_INPUT', fields: [] },
    });
  });

  it.each([
    ['query ($id: ID = "x") { user(id: $id) }', ['id']],
    ['query ($one: ID = "x", $two: ID = "y") { users(ids: [$one, $two]) }', ['one']],
    ['query ($id: ID = "x") { byFilter(filter: { id: $id }) }', ['id']],
  ])('names the variable that is null: %s', async (document, paths) => {
    const schema = buildSchema(`type Query { user(id: ID!): ID, users(ids: [ID!]!): ID, byFilter(filter: Filter!): ID }
      input Filter { id: ID! }`);
    const variableValues = { id: null, one: null, two: 'y' };
    const { errors } = await execute({ schema, document: parse(document), variableValues });
    const { code, fields } = mapper.map(errors![0]).extensions as { code: string; fields: { path: string }[] };
    expect([code, fields.map(({ path }) => path).slice(0, 1)]).toEqual(['BAD_USER_INPUT', paths]);
    expect(reported).toEqual([]);
  });
});

it('tells the code of each error that a client receives', () => {
  codes.length = 0;
  for (const error of [new ForbiddenError(), located(new ForbiddenError()), away, failedItem()]) mapper.map(error);
  expect(codes).toEqual(['FORBIDDEN', 'FORBIDDEN', 'SERVICE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR']);
});
