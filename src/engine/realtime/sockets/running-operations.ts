// The operations of one socket, from `subscribe` until nothing of them runs any more. Each has a key that graphql-ws uses as its id and
// that is never used again: a client may reuse an id once it has completed it, while the operation that had it is still ending.
import type { FormattedExecutionResult } from 'graphql';

export interface Operation {
  /** Its id within graphql-ws: unique on its socket. */
  readonly key: string;
  /** Its id at the client: unique among the operations that the client has not completed. */
  readonly id: string;
  /** The result that its next message carries: graphql-ws sends one message of an operation at a time. */
  result: FormattedExecutionResult | undefined;
  /** A query or mutation whose answer is pending. */
  awaited: boolean;
  /** Requested and not begun: it may be a subscription, and its position in the log may be unknown. */
  opening: boolean;
  /** Completed by the client: nothing more of it is sent. */
  completed: boolean;
}

export class RunningOperations implements Iterable<Operation> {
  private readonly byKey = new Map<string, Operation>();
  /** Operations that the client has not completed, by the client's id. */
  private readonly byId = new Map<string, Operation>();
  private last = 0;

  /** How many run or are still ending. */
  get size(): number {
    return this.byKey.size;
  }

  [Symbol.iterator](): Iterator<Operation> {
    return this.byKey.values();
  }

  /** Undefined: the client already has an operation of this id. */
  begin(id: string): Operation | undefined {
    if (this.byId.has(id)) return undefined;
    this.last += 1;
    const key = String(this.last);
    const operation: Operation = { key, id, result: undefined, awaited: false, opening: true, completed: false };
    this.byKey.set(operation.key, operation);
    this.byId.set(id, operation);
    return operation;
  }

  /** The operation with this key; undefined: it has ended. */
  get(key: string): Operation | undefined {
    return this.byKey.get(key);
  }

  /** The client has completed its operation `id`, and may use the id again. */
  complete(id: string): Operation | undefined {
    const operation = this.byId.get(id);
    if (operation) operation.completed = true;
    this.byId.delete(id);
    return operation;
  }

  /** Nothing of the operation runs any more. */
  end(operation: Operation): void {
    this.byKey.delete(operation.key);
    if (this.byId.get(operation.id) === operation) this.byId.delete(operation.id);
  }
}
