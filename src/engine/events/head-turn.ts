// One transaction of this instance at a time holds the head of the log while it does something else. Several would hold it one after
// the other should the process stall, and each for as long as PostgreSQL waits for it.

export class HeadTurn {
  private last: Promise<void> = Promise.resolve();

  /** `maxMs`: after that the next one goes ahead; the connection of the one before is lost, and PostgreSQL has ended its transaction. */
  constructor(private readonly maxMs: number) {}

  /** Runs `work`, which waits for its turn by `take`, if it needs one, and has it until it ends. */
  async use<T>(work: (take: () => Promise<void>) => Promise<T>): Promise<T> {
    let end: (() => void) | undefined;
    const take = async () => {
      const before = this.last;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.last = promise;
      end = resolve;
      await before;
      const timer = setTimeout(resolve, this.maxMs);
      end = () => {
        clearTimeout(timer);
        resolve();
      };
    };
    try {
      return await work(take);
    } finally {
      end?.();
    }
  }
}
