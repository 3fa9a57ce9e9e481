import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { readSecret } from './secret-encoding.js';
import { appSecrets } from './variable-types.js';

const read = (text: string) => {
  const secret = readSecret(text);
  if (typeof secret === 'string') throw new Error(secret);
  return secret;
};

describe('a secret', () => {
  it('is read as base64, base64url or hex', () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 80 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(key, (bytes) => {
        const base64 = bytes.toString('base64');
        // All zeros are `AAAA…`, which reads as hex; nothing drawn at random is like that.
        fc.pre(!/^[0-9a-f]+=*$/i.test(base64));
        for (const text of [base64, base64.replace(/=+$/, ''), bytes.toString('base64url'), bytes.toString('hex')])
          expect(read(text).key.equals(bytes)).toBe(true);
        expect(read(bytes.toString('hex').toUpperCase()).key.equals(bytes)).toBe(true);
      }),
    );
  });

  it.each([
    ['31 bytes in base64', randomBytes(31).toString('base64')],
    ['31 bytes in hex', randomBytes(31).toString('hex')],
    ['a hex digit short', randomBytes(33).toString('hex').slice(1)],
    ['a character short of base64', 'pX8v0mWqkJ2dQ1nT7uRzYbC4hG6sLfE9aVxKiOtNwMj5A'.slice(0, 45)],
    ['with a blank inside', `${randomBytes(32).toString('base64').slice(0, 20)} ${randomBytes(32).toString('base64')}`],
    ['a password', 'correct horse battery staple, and some more of it'],
  ])('is refused: %s', (_, text) => expect(typeof readSecret(text)).toBe('string'));

  it('that is random is never called weak', () => {
    for (let i = 0; i < 2_000; i++) {
      const key = randomBytes(32);
      for (const encoding of ['hex', 'base64', 'base64url'] as const)
        expect(read(key.toString(encoding)).weakness).toBeUndefined();
    }
  });

  it.each([
    ['one repeated byte', Buffer.alloc(32, 0xa5).toString('hex')],
    ['a repeated pattern', '0123456789abcdef'.repeat(4)],
    ['a placeholder', 'changeme'.repeat(6)],
    ['a placeholder with a tail', 'change-me-0Kq8Zr3vN1xB7mT5wY2sD9fG4hJ6lPcVbQeUo'.slice(0, 44)],
    ['a phrase', 'thisisaverylongphrasethatsomebodytypedinhere'],
    ['encoded text', Buffer.from('my very own phrase of 32 letters!').toString('base64')],
    ['counted bytes', Buffer.from(Array.from({ length: 32 }, (__, i) => i)).toString('hex')],
  ])('is weak: %s', (_, text) => expect(read(text).weakness).toEqual(expect.any(String)));
});

describe('a list of secrets', () => {
  const [current, previous] = [randomBytes(32), randomBytes(48)];

  it('has the current one first, each in its own encoding', () => {
    const list = appSecrets.parse(`${current.toString('base64')}, ${previous.toString('hex')}`);
    expect(list.map(({ key }) => key.toString('hex'))).toEqual([current.toString('hex'), previous.toString('hex')]);
  });

  it('may have an empty previous one, but not the same one twice', () => {
    expect(appSecrets.parse(`${current.toString('base64')},`)).toHaveLength(1);
    expect(appSecrets.safeParse(`${current.toString('base64')},${current.toString('hex')}`).success).toBe(false);
  });
});
