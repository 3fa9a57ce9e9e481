// Frames are read back by ws itself.
import type { Writable } from 'node:stream';
import * as ws from 'ws';
import { envelopeOf, FrameLayout, payloadOf } from './frames.js';

/** Which ws exports and its types do not know. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** The text messages in `bytes`, as a client reads them. */
function messagesIn(bytes: Buffer): unknown[] {
  const receiver = new Receiver({ isServer: false });
  const messages: unknown[] = [];
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    expect(isBinary).toBe(false);
    messages.push(JSON.parse(String(data)));
  });
  receiver.on('error', (error: Error) => {
    throw error;
  });
  receiver.write(bytes);
  return messages;
}

describe('FrameLayout', () => {
  it.each([0, 1, 60, 66, 67, 68, 69, 70, 125, 126, 127, 65_400, 65_470, 65_480, 65_490, 65_535, 65_536, 200_000])(
    'carry payloads of %d characters',
    (length) => {
      const results = [{ data: 'x'.repeat(length) }, { data: 'é' }, { data: 'y'.repeat(length) }];
      const bytes = new FrameLayout().framesOf(envelopeOf('1'), results.map(payloadOf));
      expect(messagesIn(bytes)).toEqual(results.map((payload) => ({ id: '1', type: 'next', payload })));
    },
  );

  it.each(['', '"', '\\', '🙂', '\n', ' '])('carry the id %j', (id) => {
    expect(messagesIn(new FrameLayout().framesOf(envelopeOf(id), [payloadOf({ data: null })]))).toEqual([
      { id, type: 'next', payload: { data: null } },
    ]);
  });

  it('carry the right envelope and payloads to each of many subscribers', () => {
    const layout = new FrameLayout();
    const [one, other] = [payloadOf({ data: 1 }), payloadOf({ data: 'other' })];
    const given: [string, Buffer[]][] = [
      ['a', [one, other]],
      ['b', [one, other]],
      ['longer', [one, other]],
      ['c', [one]],
      ['d', [other]],
      ['e', [other, one]],
    ];
    for (const [id, payloads] of given) {
      expect(messagesIn(layout.framesOf(envelopeOf(id), payloads))).toEqual(
        payloads.map((payload) => ({ id, type: 'next', payload: payload === one ? { data: 1 } : { data: 'other' } })),
      );
    }
  });

  it('are not overwritten while they are held', () => {
    const layout = new FrameLayout();
    const payloads = [payloadOf({ data: 1 })];
    const kept = layout.framesOf(envelopeOf('a'), payloads);
    layout.kept();
    layout.framesOf(envelopeOf('b'), payloads);
    expect(messagesIn(kept)).toEqual([{ id: 'a', type: 'next', payload: { data: 1 } }]);
  });
});
