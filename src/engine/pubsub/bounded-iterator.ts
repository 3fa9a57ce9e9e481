/** A push-to-pull bridge with a fixed capacity: a slow reader makes `push` say no, it never makes memory grow. */
export class BoundedIterator<T> implements AsyncIterableIterator<T, undefined, undefined> {
  private readonly values: T[] = [];
  private readonly readers: PromiseWithResolvers<IteratorResult<T, undefined>>[] = [];
  private over = false;
  private failure: { readonly error: unknown } | undefined;

  /**
   * @param capacity values held for the reader, and calls of `next()` held for the writer; 1 or more
   * @param onReturn called exactly once when it is over, whoever ended it (graphql does not call `return()` after an error)
   */
  constructor(
    private readonly capacity: number,
    private onReturn?: () => void,
  ) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError('capacity must be a positive integer');
  }

  /** False: full, or over. The value was not taken. */
  push(value: T): boolean {
    if (this.over) return false;
    const reader = this.readers.shift();
    if (reader) reader.resolve({ value, done: false });
    else if (this.values.length < this.capacity) this.values.push(value);
    else return false;
    return true;
  }

  /** Discards what was not read yet; the reader's next step throws `error`, every one after it is done. */
  fail(error: unknown): void {
    if (this.over) return;
    this.values.length = 0;
    const reader = this.readers.shift();
    if (reader) reader.reject(error);
    else this.failure = { error };
    this.finish();
  }

  /** What was pushed before is still read, then it is done. */
  end(): void {
    this.finish();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.values.length > 0) return Promise.resolve({ value: this.values.shift() as T, done: false });
    if (this.failure) {
      const { error } = this.failure;
      this.failure = undefined;
      return Promise.reject(error);
    }
    if (this.over) return Promise.resolve(DONE);
    if (this.readers.length >= this.capacity) return Promise.reject(new RangeError('too many pending calls of next()'));
    const reader = Promise.withResolvers<IteratorResult<T, undefined>>();
    this.readers.push(reader);
    return reader.promise;
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.values.length = 0;
    this.failure = undefined;
    this.finish();
    return Promise.resolve(DONE);
  }

  async throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private finish(): void {
    this.over = true;
    for (const reader of this.readers.splice(0)) reader.resolve(DONE);
    const onReturn = this.onReturn;
    this.onReturn = undefined;
    onReturn?.();
  }
}

const DONE = { value: undefined, done: true } as const;
