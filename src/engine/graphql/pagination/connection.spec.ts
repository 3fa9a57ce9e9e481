import { BadUserInputError } from '../../errors/service-error.js';
import { connectionOf, keyPage } from './connection.js';

const A = '01a1fe94-196d-7271-bbe3-4760b7199a11';
const B = '01a1fe94-196d-7271-bbe3-4760b7199a12';
const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Where the arguments are wrong. */
function wrong(args: Parameters<typeof keyPage>[0]): unknown {
  try {
    keyPage(args);
  } catch (error) {
    if (error instanceof BadUserInputError) return error.extensions['fields'];
    throw error;
  }
  return 'nothing';
}

describe('a connection', () => {
  it('has nodes and edges in the same order, and the cursors of its ends', () => {
    const { edges, nodes, pageInfo } = connectionOf([{ id: B }, { id: A }], true, false);
    expect(nodes).toEqual([{ id: B }, { id: A }]);
    expect(edges.map(({ node }) => node)).toEqual(nodes);
    expect(pageInfo).toMatchObject({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: edges[0]!.cursor,
      endCursor: edges[1]!.cursor,
    });
    expect(keyPage({ after: pageInfo.endCursor })).toEqual({ size: 20, from: A, backwards: false });
  });

  it('has no cursors if it is empty', () => {
    expect(connectionOf([], false, true).pageInfo).toMatchObject({
      hasNextPage: false,
      hasPreviousPage: true,
      startCursor: null,
      endCursor: null,
    });
  });
});

describe('a page', () => {
  it('has 20 entries from the start by default; null counts as absent', () => {
    expect(keyPage({})).toEqual({ size: 20, from: undefined, backwards: false });
    expect(keyPage({ first: null, after: null })).toEqual({ size: 20, from: undefined, backwards: false });
    expect(keyPage({ last: 5 })).toEqual({ size: 5, from: undefined, backwards: true });
    expect([keyPage({ first: 1 }).size, keyPage({ first: 100 }).size]).toEqual([1, 100]);
  });

  it('has 1 to 100 entries', () => {
    for (const first of [0, -1, 101, 2 ** 31 - 1])
      expect(wrong({ first })).toEqual([{ path: 'first', message: 'must be between 1 and 100' }]);
  });

  it.each([
    '',
    'x',
    '%',
    cursor([]),
    cursor([1]),
    cursor([null]),
    cursor([A, B]),
    cursor(A),
    cursor({ 0: A }),
    cursor([A.toUpperCase()]),
    cursor([`${A}'--`]),
    cursor([` ${A}`]),
    A,
  ])('refuses the cursor %j', (after) => {
    expect(wrong({ after })).toEqual([{ path: 'after', message: 'is not a cursor of a list' }]);
  });

  it('names all of its problems at once', () => {
    expect(wrong({ first: 0, after: 'x' })).toMatchObject([{ path: 'first' }, { path: 'after' }]);
  });
});
