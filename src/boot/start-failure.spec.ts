import { ConfigError } from '../engine/config/config-error.js';
import { EmbeddedPostgresError } from '../embedded-postgres/embedded-postgres.js';
import { NewerDatabaseError } from '../engine/database/known-database.js';
import { ListenError } from './listen-error.js';
import { describeFailure } from './start-failure.js';

const failing = (fields: Record<string, unknown>, message = 'postgresql://user:pa55word@example.com') =>
  Object.assign(new Error(message), fields);

describe('describeFailure', () => {
  it.each([
    ['28P01', 'The database server refuses the user or the password of DATABASE_URL.'],
    ['3D000', 'The database server does not have the database that DATABASE_URL names: create it first.'],
    ['42501', 'The database server does not let the user of DATABASE_URL make its tables.'],
    ['57P03', 'The database at DATABASE_URL cannot be reached (57P03). Does it run, and is the address right?'],
    [
      'ECONNREFUSED',
      'The database at DATABASE_URL cannot be reached (ECONNREFUSED). Does it run, and is the address right?',
    ],
  ])('describes a database error %s', (code, told) => {
    expect(describeFailure(failing({ code }))).toBe(told);
  });

  it.each([
    ['connect', 'EHOSTUNREACH'],
    ['getaddrinfo', 'ENOTFOUND'],
    ['getaddrinfo', 'EAI_AGAIN'],
  ])('describes an unreachable database: %s %s', (syscall, code) => {
    expect(describeFailure(failing({ code, syscall }))).toContain(`cannot be reached (${code})`);
  });

  it.each([
    [
      'EADDRINUSE',
      'PORT 80 of ::1 is taken. Stop what listens there, or set PORT to another one (0 picks a free one).',
    ],
    ['EACCES', 'PORT 80 of ::1 needs a permission that this user does not have. Set PORT to 1024 or more.'],
    ['EADDRNOTAVAIL', 'HOST ::1 is not an address of this machine.'],
    ['ENOTFOUND', 'HOST ::1 is not a name that can be resolved.'],
    ['EWHATEVER', 'Cannot listen on HOST ::1, PORT 80 (EWHATEVER).'],
  ])('describes a listen error %s', (code, told) => {
    expect(describeFailure(new ListenError('::1', 80, failing({ code, syscall: 'listen' })))).toBe(told);
  });

  it.each([
    new ConfigError([{ variable: 'PORT', reason: 'is wrong' }]),
    new EmbeddedPostgresError('The disk is full.'),
    new NewerDatabaseError(['later']),
  ])('prints the message of a deliberate error: $name', (error) => {
    expect(describeFailure(error)).toBe(error.message);
  });

  it('prints the stack of an unexpected error', () => {
    expect(describeFailure(new TypeError('x is not a function'))).toMatch(/^TypeError: x is not a function\n {4}at /);
    expect(describeFailure('thrown text')).toBe('thrown text');
  });
});
