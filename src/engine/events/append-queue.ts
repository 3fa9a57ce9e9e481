// Serializes transactions of this instance that hold the head of the log while doing other work. If the process stalls, PostgreSQL
// then ends one of them, not several in sequence.

export class AppendQueue {
  private last: Promise<void> = Promise.resolve();

  /** `maxMs`: then the next one proceeds; the connection of the first is lost, and PostgreSQL has ended its transaction. */
  constructor(private readonly maxMs: number) {}

  /** Runs `work`, which calls `take` if it needs the turn, and keeps it until it ends. */
  async run<T>(work: (take: () => Promise<void>) => Promise<T>): Promise<T> {
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
