import type { ZodType } from 'zod';
import { growth, LINEAR } from '../../../../test/support/growth.js';
import { email, id, idempotencyKey, line, notNull, paragraphs, searchText } from './input-text.js';

const problem = (schema: ZodType, value: unknown) =>
  schema.safeParse(value).error?.issues.map(({ message }) => message);

describe('line', () => {
  it('trims, and normalizes to NFC before counting characters', () => {
    expect(line(4).parse('  Cafe\u0301 \n')).toBe('Caf\u00e9');
    expect(problem(line(4), 'Cafe\u0301s')).toEqual(['must have at most 4 characters']);
  });

  it('counts code points as PostgreSQL does, not UTF-16 units', () => {
    expect(line(3).parse('😀😀😀')).toBe('😀😀😀');
    expect(problem(line(3), '😀😀😀😀')).toEqual(['must have at most 3 characters']);
  });

  it.each([
    ['\u0000', 'U+0000 (NULL)'],
    ['\u0001', 'U+0001 (a control character)'],
    ['\u0007', 'U+0007 (ALERT)'],
    ['\u000b', 'U+000B (LINE TABULATION, a line break of word processors)'],
    ['\u001b', 'U+001B (ESCAPE, which begins the colours of terminals)'],
    ['\u007f', 'U+007F (DELETE)'],
    ['\u0085', 'U+0085 (NEXT LINE)'],
    ['\u009f', 'U+009F (a control character)'],
    ['\u202a', 'U+202A (LEFT-TO-RIGHT EMBEDDING)'],
    ['\u202e', 'U+202E (RIGHT-TO-LEFT OVERRIDE)'],
    ['\u2066', 'U+2066 (LEFT-TO-RIGHT ISOLATE)'],
    ['\u2069', 'U+2069 (POP DIRECTIONAL ISOLATE)'],
    ['\ufeff', 'U+FEFF (ZERO WIDTH NO-BREAK SPACE, a byte order mark)'],
    ['\ud800', 'U+D800 (half of a surrogate pair)'],
    ['\udc00', 'U+DC00 (half of a surrogate pair)'],
  ])('refuses %j with its name and position', (character, name) => {
    expect(problem(line(10), `  😀a${character}b`)).toEqual([`must not have ${name} at character 5`]);
    expect(problem(paragraphs(10), `a${character}b`)).toEqual([`must not have ${name} at character 2`]);
    expect(problem(paragraphs(20), `\n\r\ne\u0301\n  b😀${character}c`)).toEqual([
      `must not have ${name} at line 4, column 5`,
    ]);
  });

  it.each([
    ['\n', 'U+000A (LINE FEED) at line 1, column 2'],
    ['\r', 'U+000D (CARRIAGE RETURN) at line 1, column 2'],
    ['\t', 'U+0009 (CHARACTER TABULATION) at character 2'],
    ['\u2028', 'U+2028 (LINE SEPARATOR) at character 2'],
    ['\u2029', 'U+2029 (PARAGRAPH SEPARATOR) at character 2'],
  ])('refuses the line break %j, which paragraphs may have', (character, named) => {
    expect(problem(line(10), `a${character}b`)).toEqual([`must be a single line, without ${named}`]);
    expect(paragraphs(10).parse(`a${character}b`)).toBe(`a${character}b`);
  });

  it.each(['', '  ', '\u200b', '\u2060\u200d', '\u3164', '\u2800', '\u00ad \u200b'])(
    'refuses %j, which has no visible character',
    (value) => {
      expect(problem(line(10), value)).toEqual(['must not be empty']);
    },
  );

  it('keeps joiners of emoji, Persian and Hindi', () => {
    for (const value of ['👩‍👩‍👧', 'می‌خواهم', 'क्‍ष', '🏴󠁧󠁢󠁥󠁮󠁧󠁿']) expect(line(20).parse(value)).toBe(value);
  });

  it('refuses other types with a readable message', () => {
    for (const value of [5, null, undefined, {}]) expect(line(10).safeParse(value).success).toBe(false);
  });
});

describe('paragraphs', () => {
  it.each([
    ['    npm ci\n    npm start', '    npm ci\n    npm start'],
    ['\tcode\n', '\tcode'],
    ['\n\n  * one\n    * two\n\n', '  * one\n    * two'],
    [' \r\n\r\n  a\r\n', '  a'],
    ['\ufeff# Title', '# Title'],
    ['\ufeff    code', '    code'],
    ['a  \nb', 'a  \nb'],
    ['\u3000全角', '\u3000全角'],
    ['a\u00a0b\u2003c', 'a\u00a0b\u2003c'],
    ['1.\t\u200fשלום', '1.\t\u200fשלום'],
  ])('%j are stored as typed without blank lines around them: %j', (given, stored) => {
    expect(paragraphs(100).parse(given)).toBe(stored);
  });

  it('have at most 30 combining marks in a row, since sorting them is slow', () => {
    expect(paragraphs(100).parse(`a${'\u0315'.repeat(30)}`)).toHaveLength(31);
    expect(problem(paragraphs(100), `ab\nc${'\u0315\u0323'.repeat(20)}`)).toEqual([
      'must have at most 30 combining marks in a row, at line 2, column 2',
    ]);
  });

  it('are counted in code points after NFC', () => {
    for (const character of ['a', '\u00e4', '\u1f82', '한', '😀', '\u{16d6a}']) {
      const full = character.repeat(50);
      for (const form of ['NFC', 'NFD'] as const) {
        expect(paragraphs(50).parse(full.normalize(form))).toBe(full);
        expect(problem(paragraphs(49), full.normalize(form))).toEqual(['must have at most 49 characters']);
      }
    }
  });

  it('may be empty only if the minimum is 0', () => {
    expect(paragraphs(10, 0).parse(' ')).toBe('');
    expect(problem(paragraphs(10), ' ')).toEqual(['must not be empty']);
    expect(problem(paragraphs(10, 0), '\u200b')).toEqual(['must not be empty']);
  });
});

describe('searchText', () => {
  it('is undefined if it is empty', () => {
    for (const nothing of ['', '  ', null, undefined]) expect(searchText.parse(nothing)).toBeUndefined();
    expect(searchText.parse(' a%b ')).toBe('a%b');
    expect(problem(searchText, 'x'.repeat(101))).toEqual(['must have at most 100 characters']);
  });
});

describe('notNull', () => {
  it('accepts undefined, not null', () => {
    const name = notNull(line(3));
    expect(name.parse(undefined)).toBeUndefined();
    expect(name.parse(' ab ')).toBe('ab');
    expect(problem(name, null)).toEqual(['must not be null']);
    expect(problem(name, 'abcd')).toEqual(['must have at most 3 characters']);
  });
});

describe('an id', () => {
  it('is a UUID in upper or lower case', () => {
    expect(id.parse('01A1FE94-196D-7271-BBE3-4760B7199A11')).toBe('01a1fe94-196d-7271-bbe3-4760b7199a11');
    for (const value of [
      '',
      '1',
      '01a1fe94196d7271bbe34760b7199a11',
      ' 01a1fe94-196d-7271-bbe3-4760b7199a11',
      "' or 1=1",
    ]) {
      expect(problem(id, value)).toEqual(['is not an id']);
    }
  });
});

describe('an e-mail address', () => {
  it('is trimmed, has one line and at most 254 characters', () => {
    expect(email.parse(' Ada@Example.com ')).toBe('Ada@Example.com');
    expect(problem(email, `${'a'.repeat(300)}@example.com`)).toEqual(['must have at most 254 characters']);
    for (const value of [
      'ada',
      'ada@',
      '@example.com',
      'a b@example.com',
      'a@b@c.de',
      'ada@example.com\nbcc: x@y.zz',
    ]) {
      expect(email.safeParse(value).success).toBe(false);
    }
  });
});

describe('an idempotencyKey', () => {
  it('has 1 to 64 characters', () => {
    expect(idempotencyKey.parse('x'.repeat(64))).toHaveLength(64);
    expect(problem(idempotencyKey, 'x'.repeat(65))).toEqual(['must have at most 64 characters']);
    expect(problem(idempotencyKey, '')).toEqual(['must not be empty']);
  });
});

it.each<[string, (size: number) => string]>([
  ['combining marks out of order', (size) => `a${'\u0315\u0323'.repeat(size)}`],
  ['blanks', (size) => `${' '.repeat(size)}a${' '.repeat(size)}`],
  ['blank lines', (size) => `${' \n'.repeat(size)}a`],
  ['line breaks before a control character', (size) => `a${'\r\n'.repeat(size)}\u0007`],
  ['lone surrogates', (size) => '\ud800'.repeat(size)],
  ['emoji', (size) => '😀'.repeat(size)],
  ['what cannot be seen', (size) => '\u200b'.repeat(size)],
])('text of %s takes linear time', async (_what, textOf) => {
  const shapes = [line(1_000_000), paragraphs(1_000_000), line(100), paragraphs(20_000), email];
  const ratio = await growth(50_000, textOf, (text) => shapes.map((shape) => shape.safeParse(text)));
  expect(ratio).toBeLessThan(LINEAR);
});
