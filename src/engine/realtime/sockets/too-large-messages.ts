// Messages that are too large to be executed. Close code 1009 would be fatal for stock clients and end all of their operations: an
// `error` ends this one operation.
import { BadUserInputError } from '../../errors/service-error.js';
import { TOO_LARGE } from '../../limits/message-size.js';
import { CloseCode } from './close-codes.js';
import { operationIdIn } from './operation-id.js';
import type { Socket } from './socket.js';

/** Answers the operation in the message with an error; closes the socket if it has no readable id. */
export function refuseTooLarge(socket: Socket, message: Buffer): void {
  const id = operationIdIn(message);
  if (id === undefined) return socket.close(CloseCode.TooLarge, 'Message too large');
  const operation = socket.operations.begin(id);
  if (!operation) return socket.close(CloseCode.IdInUse, 'Subscriber for this id already exists');
  const { message: reason, extensions } = new BadUserInputError([], TOO_LARGE);
  void socket.sendFor(operation, { type: 'error', payload: [{ message: reason, extensions }] });
  socket.ended(operation);
}
