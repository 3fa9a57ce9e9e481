import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { Socket } from './socket.js';

function openSocket() {
  const sent: unknown[] = [];
  const ws = Object.assign(new EventEmitter(), {
    OPEN: 1,
    readyState: 1,
    bufferedAmount: 0,
    isPaused: false,
    send(text: string, done: () => void) {
      sent.push(JSON.parse(text));
      done();
    },
  });
  const stream = new Duplex({ read: () => undefined });
  return {
    socket: new Socket(ws as unknown as WebSocket, stream, { address: '::1', userAgent: undefined }, undefined),
    sent,
  };
}

describe('Socket.forward', () => {
  it.each([
    (key: string) => `{"id":"${key}","type":"next","payload":{}}`,
    (key: string) => `{"type":"next","payload":{},"id":"${key}"}`,
    (key: string) => `{ "payload" : { "id": "9" }, "type": "next", "id": "${key}" }`,
  ])("sends a result under the client's id, wherever graphql-ws writes the key: %s", async (written) => {
    const { socket, sent } = openSocket();
    const operation = socket.operations.begin('"a\\');
    operation!.result = { data: { id: '7' } };
    await socket.forward(written(operation!.key));
    expect(sent).toEqual([{ id: '"a\\', type: 'next', payload: { data: { id: '7' } } }]);
  });

  it('sends a result once', async () => {
    const { socket, sent } = openSocket();
    const operation = socket.operations.begin('a')!;
    operation.result = { data: null };
    await socket.forward(`{"id":"${operation.key}","type":"next","payload":{}}`);
    await socket.forward(`{"type":"complete","id":"${operation.key}"}`);
    expect(sent).toEqual([
      { id: 'a', type: 'next', payload: { data: null } },
      { id: 'a', type: 'complete' },
    ]);
  });

  it('sends the errors that graphql-ws has written, and messages without an operation', async () => {
    const { socket, sent } = openSocket();
    const { key } = socket.operations.begin('a')!;
    await socket.forward(`{"type":"error","payload":[{"message":"no"}],"id":"${key}"}`);
    await socket.forward('{"payload":{"id":"1"},"type":"connection_ack"}');
    expect(sent).toEqual([
      { id: 'a', type: 'error', payload: [{ message: 'no' }] },
      { type: 'connection_ack', payload: { id: '1' } },
    ]);
  });

  it('discards messages of completed and ended operations, even if their id is used again', async () => {
    const { socket, sent } = openSocket();
    const completed = socket.operations.begin('a')!;
    socket.operations.complete('a');
    socket.operations.begin('a');
    const ended = socket.operations.begin('b')!;
    socket.operations.end(ended);
    for (const { key } of [completed, ended]) await socket.forward(`{"type":"complete","id":"${key}"}`);
    expect(sent).toEqual([]);
  });
});
