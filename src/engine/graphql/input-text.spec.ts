import type { ZodType } from 'zod';
import { email, id, idempotencyKey, line, notNull, paragraphs, searchText } from './input-text.js';

const problem = (schema: ZodType, value: unknown) =>
  schema.safeParse(value).error?.issues.map(({ message }) => message);

describe('one line', () => {
  it('is trimmed, and normalised to NFC before its characters are counted', () => {
    expect(line(4).parse('  Cafe\u0301 \n')).toBe('Caf\u00e9');
    expect(problem(line(4), 'Cafe\u0301s')).toEqual(['must have at most 4 characters']);
  });

  it('counts what PostgreSQL counts: code points, not UTF-16 units', () => {
    expect(line(3).parse('😀😀😀')).toBe('😀😀😀');
    expect(problem(line(3), '😀😀😀😀')).toEqual(['must have at most 3 characters']);
  });

  it.each([
    '\u0000',
    '\u0007',
    '\u001b',
    '\u007f',
    '\u0085',
    '\u009f',
    '\u202a',
    '\u202e',
    '\u2066',
    '\u2069',
    '\ufeff',
    '\ud800',
    '\udc00',
  ])('refuses %j within', (character) => {
    expect(problem(line(10), `a${character}b`)).toEqual(['must not have control characters']);
    expect(problem(paragraphs(10), `a${character}b`)).toEqual(['must not have control characters']);
  });

  it.each(['\n', '\r', '\t', '\u2028', '\u2029'])(
    'refuses the line break %j, which paragraphs may have',
    (character) => {
      expect(problem(line(10), `a${character}b`)).toEqual(['must be a single line']);
      expect(paragraphs(10).parse(`a${character}b`)).toBe(`a${character}b`);
    },
  );

  it.each(['', '  ', '\u200b', '\u2060\u200d', '\u3164', '\u00ad \u200b'])(
    'refuses %j, in which nothing can be seen',
    (value) => {
      expect(problem(line(10), value)).toEqual(['must not be empty']);
    },
  );

  it('keeps what emoji, Persian and Hindi are joined by', () => {
    for (const value of ['👩‍👩‍👧', 'می‌خواهم', 'क्‍ष', '🏴󠁧󠁢󠁥󠁮󠁧󠁿']) expect(line(20).parse(value)).toBe(value);
  });

  it('refuses what is no text, in words for people', () => {
    for (const value of [5, null, undefined, {}]) expect(line(10).safeParse(value).success).toBe(false);
  });
});

describe('paragraphs', () => {
  it('may be empty where they are told so, and only there', () => {
    expect(paragraphs(10, 0).parse(' ')).toBe('');
    expect(problem(paragraphs(10), ' ')).toEqual(['must not be empty']);
    expect(problem(paragraphs(10, 0), '\u200b')).toEqual(['must not be empty']);
  });
});

describe('what is looked for', () => {
  it('is absent when it is empty', () => {
    for (const nothing of ['', '  ', null, undefined]) expect(searchText.parse(nothing)).toBeUndefined();
    expect(searchText.parse(' a%b ')).toBe('a%b');
    expect(problem(searchText, 'x'.repeat(101))).toEqual(['must have at most 100 characters']);
  });
});

describe('a field of an edit', () => {
  it('may be absent, not null', () => {
    const name = notNull(line(3));
    expect(name.parse(undefined)).toBeUndefined();
    expect(name.parse(' ab ')).toBe('ab');
    expect(problem(name, null)).toEqual(['must not be null']);
    expect(problem(name, 'abcd')).toEqual(['must have at most 3 characters']);
  });
});

describe('an id', () => {
  it('is a UUID in any case', () => {
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
  it('is trimmed, of one line, of 254 characters at most', () => {
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
