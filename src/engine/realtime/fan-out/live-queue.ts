// Live objects that are pending for one subscriber and not replayed: bounded, in order, ended once.

export interface LiveQueueOptions<T> {
  /** Most that may wait. */
  readonly capacity: number;
  /** Above the capacity the oldest is dropped, or the queue ends with this error. */
  readonly overflow: 'drop-oldest' | (() => Error);
  /** Called when more would wait, whatever happens then. */
  readonly overflowed?: () => void;
  /** Maps an item when the reader takes it. */
  readonly onTake?: (item: T) => T;
  /** Called once when it has ended. */
  readonly ended: () => void;
}

export class LiveQueue<T> implements AsyncIterableIterator<T> {
  private waiting: T[] = [];
  private wake: (() => void) | undefined;
  private failure: Error | undefined;
  private closed = false;

  constructor(private readonly options: LiveQueueOptions<T>) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Waits for the next one. One call at a time. Rejects once with the error that the queue has ended with. */
  async next(): Promise<IteratorResult<T>> {
    while (this.waiting.length === 0 && !this.closed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.waiting.length > 0) {
      const item = this.waiting.shift() as T;
      return { done: false, value: this.options.onTake?.(item) ?? item };
    }
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
    return { done: true, value: undefined };
  }

  /** Whether it goes on. */
  get open(): boolean {
    return !this.closed;
  }

  async return(): Promise<IteratorResult<T>> {
    this.finish();
    return { done: true, value: undefined };
  }

  push(item: T): void {
    if (this.closed) return;
    const { capacity, overflow } = this.options;
    if (this.waiting.length >= capacity) {
      this.options.overflowed?.();
      if (overflow !== 'drop-oldest') return this.fail(overflow());
      this.waiting.shift();
    }
    this.waiting.push(item);
    this.awake();
  }

  /** Ends it: pending items are dropped, and its reader gets `error`. */
  fail(error: Error): void {
    if (this.closed) return;
    this.failure = error;
    this.finish();
  }

  private finish(): void {
    if (this.closed) return;
    this.closed = true;
    this.waiting = [];
    this.options.ended();
    this.awake();
  }

  private awake(): void {
    this.wake?.();
    this.wake = undefined;
  }
}
