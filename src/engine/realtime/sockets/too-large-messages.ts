// Messages that are too large to be executed. Close code 1009 would be fatal for stock clients and end all of their operations: an
// `error` ends this one operation.
import { BadUserInputError } from '../../errors/service-error.js';
import { TOO_LARGE } from '../../limits/message-size.js';
import { CloseCode } from './close-codes.js';
import type { Socket } from './socket.js';

/** Bytes of an id: it is repeated in every frame, and graphql-ws does not bound it. */
export const MAX_ID_BYTES = 128;

const ID =
  /^\s{0,9}\{\s{0,9}(?:"type"\s{0,9}:\s{0,9}"subscribe"\s{0,9},\s{0,9})?"id"\s{0,9}:\s{0,9}("(?:[^"\\]|\\.){1,800}")/s;

/** Answers the operation in the message with an error; closes the socket if its id is unreadable or no account is signed in. */
export function refuseTooLarge(socket: Socket, beginning: string): void {
  const id = idIn(beginning);
  if (id === undefined || !socket.credential) return socket.close(CloseCode.TooLarge, 'Message too large');
  const operation = socket.operations.begin(id);
  if (!operation) return socket.close(CloseCode.IdInUse, 'Subscriber for this id already exists');
  const { message, extensions } = new BadUserInputError([], TOO_LARGE);
  void socket.sendFor(operation, { type: 'error', payload: [{ message, extensions }] });
  socket.ended(operation);
}

function idIn(beginning: string): string | undefined {
  const [, written] = ID.exec(beginning) ?? [];
  if (written === undefined) return undefined;
  try {
    const id = JSON.parse(written) as string;
    return Buffer.byteLength(id) <= MAX_ID_BYTES ? id : undefined;
  } catch {
    return undefined;
  }
}
