// Which part of a document the playground sends, and as which account.
import { endsSession, isOfPrograms, operationIn, signsInByCookie, tokenIn } from '../web/playground/src/operation.js';

const DOCUMENT = `# subscription Post in a comment
query First { me { ...Name } }

mutation Post { postUpdate(input: {projectId: "1", title: "t", health: ON_TRACK}) { id } }

fragment Name on User { name }
subscription Follow { accessChanged { cursor } }`;

const only = (query: string) => operationIn(query, undefined)!;

describe('the operation that the playground sends', () => {
  it('is the selected one with its fragments at their lines and columns', () => {
    expect(operationIn(DOCUMENT, 'First')!.query).toBe(
      '\nquery First { me { ...Name } }\n\n\n\nfragment Name on User { name }',
    );
    expect(operationIn(DOCUMENT, 'Post')).toMatchObject({
      type: 'mutation',
      query: expect.stringMatching(/^\n\n\nmutation Post [^\n]*$/),
    });
    expect(operationIn('query A { me { id } } query B { me { id } }', 'B')!.query).toBe(
      `${' '.repeat(22)}query B { me { id } }`,
    );
    expect(operationIn(DOCUMENT, 'Follow')).toMatchObject({ type: 'subscription' });
    expect(operationIn('{ me { id } }', null)).toMatchObject({ type: 'query', query: '{ me { id } }' });
  });

  it('is the whole document where none can be selected', () => {
    expect(operationIn('query {', undefined)).toBeUndefined();
    expect(operationIn(DOCUMENT, 'Missing')).toBeUndefined();
    expect(operationIn('fragment Name on User { name }', undefined)).toBeUndefined();
  });
});

describe('requests without the cookies of the page', () => {
  const login = only('mutation ($i: LoginInput!) { login(input: $i) { accessToken } }');

  it('include a sign-in that asks for tokens in its reply', () => {
    expect(isOfPrograms(login, { i: { email: 'a', password: 'b' } })).toBe(true);
    expect(isOfPrograms(login, { i: { email: 'a', password: 'b', transport: 'COOKIE' } })).toBe(false);
    expect(isOfPrograms(only('mutation { login(input: {transport: COOKIE}) { user { id } } }'), {})).toBe(false);
  });

  it('do not include a sign-in that asks for cookies', () => {
    expect(signsInByCookie(login, { i: { transport: 'COOKIE' } })).toBe(true);
    expect(signsInByCookie(login, { i: {} })).toBe(false);
    expect(signsInByCookie(only('query { login }'), { i: 'COOKIE' })).toBe(false);
  });

  it('include tokens given as arguments', () => {
    expect(isOfPrograms(only('mutation { refresh(refreshToken: "t") { accessToken } }'), {})).toBe(true);
    expect(isOfPrograms(only('mutation { logout(refreshToken: "t") }'), {})).toBe(true);
    expect(isOfPrograms(only('mutation { logout }'), {})).toBe(false);
  });

  it('include nothing else', () => {
    expect(isOfPrograms(only('mutation { postUpdate { id } }'), {})).toBe(false);
    expect(isOfPrograms(only('query { login }'), {})).toBe(false);
  });
});

it('mutations that may end the session of the page are recognized', () => {
  expect(endsSession(only('mutation { logout }'))).toBe(true);
  expect(endsSession(only('mutation { changePassword { user { id } } }'))).toBe(true);
  expect(endsSession(only('mutation { postUpdate { id } }'))).toBe(false);
});

it('a token in a header is found in any spelling', () => {
  expect(tokenIn({ Authorization: 'Bearer abc' })).toBe('abc');
  expect(tokenIn({ authorization: 'bearer abc ' })).toBe('abc');
  expect(tokenIn({ authorization: 'abc' })).toBe('abc');
  expect(tokenIn({ authorization: 7, accept: 'x' })).toBeUndefined();
  expect(tokenIn()).toBeUndefined();
});
