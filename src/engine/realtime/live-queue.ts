// What one subscriber is still to be given, of things that happen now and are not replayed: bounded, in order, ended once.

export interface LiveQueueOptions<T> {
  /** Most that may wait. */
  readonly capacity: number;
  /** What happens when more would: the oldest is left out, or the reader is told by this error and the queue ends. */
  readonly overflow: 'drop-oldest' | (() => Error);
  /** Called when more would wait, whatever happens then. */
  readonly overflowed?: () => void;
  /** What the reader gets of one that has waited, made when it is given. */
  readonly give?: (item: T) => T;
  /** Called once when it is over, whoever ended it. */
  readonly ended: () => void;
}

export class LiveQueue<T> implements AsyncIterableIterator<T> {
  private waiting: T[] = [];
  private wake: (() => void) | undefined;
  private failure: Error | undefined;
  private over = false;

  constructor(private readonly options: LiveQueueOptions<T>) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Waits for the next one. One call at a time. Rejects once with the error that the queue has ended with. */
  async next(): Promise<IteratorResult<T>> {
    while (this.waiting.length === 0 && !this.over) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.waiting.length > 0) {
      const item = this.waiting.shift() as T;
      return { done: false, value: this.options.give?.(item) ?? item };
    }
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
    return { done: true, value: undefined };
  }

  /** Whether it goes on: what was given last may still be sent. */
  get open(): boolean {
    return !this.over;
  }

  async return(): Promise<IteratorResult<T>> {
    this.finish();
    return { done: true, value: undefined };
  }

  push(item: T): void {
    if (this.over) return;
    const { capacity, overflow } = this.options;
    if (this.waiting.length >= capacity) {
      this.options.overflowed?.();
      if (overflow !== 'drop-oldest') return this.fail(overflow());
      this.waiting.shift();
    }
    this.waiting.push(item);
    this.awake();
  }

  /** Ends it; what waits is not given any more, and its reader gets `error`. */
  fail(error: Error): void {
    if (this.over) return;
    this.failure = error;
    this.finish();
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.waiting = [];
    this.options.ended();
    this.awake();
  }

  private awake(): void {
    this.wake?.();
    this.wake = undefined;
  }
}
