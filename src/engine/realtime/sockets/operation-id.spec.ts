import { growth, LINEAR } from '../../../../test/support/growth.js';
import { MAX_ID_BYTES, operationIdIn } from './operation-id.js';

const idIn = (text: string) => operationIdIn(Buffer.from(text));

describe('operationIdIn', () => {
  it.each([
    ['first', '{"id":"1","type":"subscribe","payload":{}}'],
    ['after the type, with white space', '{ "type" : "subscribe",\n\t"id" : "1" }'],
    [
      'after a payload with ids of its own',
      '{"payload":{"id":"2","variables":[{"id":"3"}]},"type":"subscribe","id":"1"}',
    ],
    ['after text that looks like a member', String.raw`{"payload":"\\\"id\":\"2\",\\","id":"1"}`],
    ['after a value that is "id"', '{"type":"id","x":"2","id":"1"}'],
    ['in a truncated message', '{"id":"1","payload":{"query":"{ me'],
  ])('finds an id %s', (_where, text) => expect(idIn(text)).toBe('1'));

  it('decodes escapes', () => expect(idIn(String.raw`{"id":"\u00e9\"1"}`)).toBe('é"1'));

  it.each([
    ['no id', '{"payload":{"id":"1"}}'],
    ['an id that is no string', '{"id":1,"type":"subscribe"}'],
    ['an id that is too long', `{"id":"${'x'.repeat(MAX_ID_BYTES + 1)}"}`],
    ['an id without an end', '{"id":"1'],
    ['an invalid escape', String.raw`{"id":"\x"}`],
    ['no JSON', 'id'],
    ['nothing', ''],
  ])('finds none in a message with %s', (_what, text) => expect(idIn(text)).toBeUndefined());

  it.each([
    ['backslashes', (size: number) => `{"payload":"${'\\'.repeat(size)}","type":"x`],
    ['escaped quotes', (size: number) => `{"payload":"${String.raw`\"`.repeat(size)}","type":"x`],
    ['lists', (size: number) => '['.repeat(size)],
    ['members', (size: number) => `{${'"a":"",'.repeat(size)}`],
  ])('takes linear time for %s', async (_what, textOf) => {
    expect(await growth(1_000_000, (size) => Buffer.from(textOf(size)), operationIdIn)).toBeLessThan(LINEAR);
  });
});
