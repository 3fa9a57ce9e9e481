import { signOutIn } from './sign-out.js';

it.each([
  ['mutation { logout }', 'alone'],
  ['mutation Leave($t: String) { gone: logout(refreshToken: $t) }', 'alone'],
  ['mutation { logout @skip(if: true) }', 'among others'],
  ['mutation @x { logout }', 'among others'],
  ['mutation { logout again: logout }', 'among others'],
  ['mutation { ...leave } fragment leave on Mutation { logout }', 'among others'],
  ['mutation { ... @skip(if: true) { logout } }', 'among others'],
  ['mutation { logoutEverywhere }', undefined],
  ['query { logout: me { id } }', undefined],
  ['mutation A { logout } mutation B { logout }', undefined],
  ['fragment logout on Mutation { logout }', undefined],
  ['mutation { logout', undefined],
  [`mutation { logout }${' '.repeat(1_000)}`, undefined],
  [`mutation { logout(${'a: 1 '.repeat(20)}) }`, undefined],
  [undefined, undefined],
])('signOutIn recognizes a sign-out: %s', (document, expected) => {
  expect(signOutIn(document)).toBe(expected);
});
