// The operations of one socket, from `subscribe` until nothing of them runs any more. graphql-ws knows each by a key of ours that is
// never used again, since a client may reuse an id as soon as it has completed it, while the operation that had it is still ending.

/** What graphql-ws begins the frames of an operation with. */
const FRAME_START = '{"id":"';

export interface Operation {
  /** What graphql-ws calls it: unique on its socket. */
  readonly key: string;
  /** What the client calls it: unique among those that the client has not completed. */
  readonly id: string;
  /** A query or mutation that is to be answered. */
  awaited: boolean;
  /** Asked for, and not begun: whether it is a subscription, and where in the log it begins, may not be known. */
  opening: boolean;
  /** Completed by the client: nothing more of it is sent. */
  completed: boolean;
}

export class RunningOperations implements Iterable<Operation> {
  private readonly byKey = new Map<string, Operation>();
  /** Those that the client has not completed, by its own id. */
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
    const operation: Operation = { key: String(this.last), id, awaited: false, opening: true, completed: false };
    this.byKey.set(operation.key, operation);
    this.byId.set(id, operation);
    return operation;
  }

  get(key: string): Operation | undefined {
    return this.byKey.get(key);
  }

  /** The client has completed the operation that it knows by `id`, and may use the id again. */
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

  /** The operation of a frame of graphql-ws; undefined: it belongs to none, or to one that is over. */
  ofFrame(frame: string): Operation | undefined {
    if (!frame.startsWith(FRAME_START)) return undefined;
    return this.byKey.get(frame.slice(FRAME_START.length, frame.indexOf('"', FRAME_START.length)));
  }

  /** A frame of graphql-ws as its client receives it; undefined: it comes late, and is dropped. */
  addressed(frame: string): string | undefined {
    if (!frame.startsWith(FRAME_START)) return frame;
    const operation = this.ofFrame(frame);
    if (!operation || operation.completed) return undefined;
    return `{"id":${JSON.stringify(operation.id)}${frame.slice(frame.indexOf(',', FRAME_START.length))}`;
  }
}
