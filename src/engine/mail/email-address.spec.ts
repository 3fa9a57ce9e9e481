// Which e-mail addresses are taken, which are the same, and why others are refused.
import { deliverableEmail, emailKey, emailProblem } from './email-address.js';
import { mailbox } from './mail.js';

it.each([
  'ada@example.com',
  'Ada.Lovelace+news@sub.example.co.uk',
  'r&d@example.com',
  "o'brien@example.com",
  "!#$%&'*+-/=?^_`{|}~@example.com",
  `${'x'.repeat(64)}@example.com`,
  'ada@xn--e1afmkfd.xn--p1ai',
  'ada@пример.рф',
  'ada@例え。テスト',
  'ada@straße.de',
  'ada@xn--strae-oqa.de',
  'ada@1and1.com',
  'ada@a-b.example',
  '1@2.example',
])('%s is accepted, and mail can be sent to it', (address) => {
  expect(emailProblem(address)).toBeUndefined();
  expect(mailbox(deliverableEmail(address))).toMatch(/^[\x21-\x7e]+$/);
});

it.each([
  ['ada', 'is not an e-mail address: it has no @'],
  ['@example.com', 'is not an e-mail address: nothing is before the @'],
  ['"ada lovelace"@example.com', 'must not have a quoted part before the @'],
  ['"a@b"@example.com', 'must not have a quoted part before the @'],
  ['ada.@example.com', 'must have no dot at an end, or beside another one, before the @'],
  ['.ada@example.com', 'must have no dot at an end, or beside another one, before the @'],
  ['a..b@example.com', 'must have no dot at an end, or beside another one, before the @'],
  ['a b@example.com', "must have only letters, digits and !#$%&'*+-/=?^_`{|}~. before the @"],
  ['a@b@example.com', "must have only letters, digits and !#$%&'*+-/=?^_`{|}~. before the @"],
  ['ädä@example.com', 'must have only ASCII characters before the @'],
  [`${'x'.repeat(65)}@example.com`, 'must have at most 64 characters before the @'],
  ['ada@[127.0.0.1]', 'must have a domain name behind the @, not an IP address'],
  ['ada@127.0.0.1', 'must have a valid domain name behind the @, as in example.com'],
  ['ada@0x7f.1', 'must have a valid domain name behind the @, as in example.com'],
  ['ada@localhost', 'must have a valid domain name behind the @, as in example.com'],
  ['ada@', 'must have a valid domain name behind the @, as in example.com'],
  ['ada@example.com.', 'must have a valid domain name behind the @, as in example.com'],
  ['ada@a..b', 'must have a valid domain name behind the @, as in example.com'],
  ['ada@-a.com', 'must have a valid domain name behind the @, as in example.com'],
  ['ada@a-.com', 'must have a valid domain name behind the @, as in example.com'],
  ['ada@a_b.com', 'must have a valid domain name behind the @, as in example.com'],
  ['ada@ex%41mple.com', 'must have a valid domain name behind the @, as in example.com'],
  ['ada@example.com/x', 'must have a valid domain name behind the @, as in example.com'],
  ...['xn--a.de', 'XN--A.de', 'sub.xn--zzzz.de', 'xn--e1afmkfd.xn--0'].map((domain) => [
    `ada@${domain}`,
    'must have a valid domain name behind the @: a label that begins with xn-- is not valid Punycode',
  ]),
  [`ada@${'x'.repeat(64)}.com`, 'must have a valid domain name behind the @, as in example.com'],
  [`${'x'.repeat(64)}@${'ю.'.repeat(24)}com`, 'must have at most 254 characters, its domain in ASCII'],
])('%s is refused with a reason', (address, problem) => {
  expect(emailProblem(address)).toBe(problem);
});

it.each([
  ['Ada@Example.COM', 'ada@example.com'],
  ['INFO@EXAMPLE.COM', 'info@example.com'],
  [' info@example.com ', 'info@example.com'],
  ['Ada@ПРИМЕР.РФ', 'ada@xn--e1afmkfd.xn--p1ai'],
  ['ada@XN--E1AFMKFD.XN--P1AI', 'ada@xn--e1afmkfd.xn--p1ai'],
  ['ada@cafe\u0301.fr', 'ada@xn--caf-dma.fr'],
  ['ada@ＥＸＡＭＰＬＥ．com', 'ada@example.com'],
])('%s and %s have the same key', (address, same) => {
  expect(emailKey(address)).toBe(same);
  expect(emailKey(same)).toBe(same);
});

it('emailKey normalizes text that is no address too', () => {
  for (const text of ['', 'x', '@', 'ada@localhost', '@'.repeat(1_000)]) expect(emailKey(text)).toBe(text.trim());
});

it('deliverableEmail keeps the local part as typed', () => {
  expect(deliverableEmail('Ada.L@Пример.рф')).toBe('Ada.L@xn--e1afmkfd.xn--p1ai');
});
