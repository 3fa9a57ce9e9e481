// How work grows with its input, in CPU time of this process: a relation, never a threshold in ms.

const REPEATS = 5;
/** ms of CPU below which nothing is measured: that much is nothing to worry about. */
const NEGLIGIBLE_MS = 10;

/** Measurements, of which the least counts: other work adds to one, and takes nothing away. */
const ATTEMPTS = 8;

/**
 * How many times as much CPU `work` takes for `4 * size` as for `size`, by the least of several runs: 4 where it is linear, 16 where it is
 * quadratic. 1 where even the larger takes next to nothing.
 */
export async function growth<T>(size: number, make: (size: number) => T, work: (input: T) => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && least >= LINEAR; attempt += 1) {
    const small = await leastTime(make(size), work);
    const large = await leastTime(make(4 * size), work);
    least = Math.min(least, large < NEGLIGIBLE_MS ? 1 : large / Math.max(small, NEGLIGIBLE_MS / 4));
  }
  return least;
}

/** What {@link growth} stays below unless work is worse than linear, on a busy machine too. */
export const LINEAR = 9;

async function leastTime<T>(input: T, work: (input: T) => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < REPEATS; round += 1) {
    const before = process.cpuUsage();
    await work(input);
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1_000);
    // Enough to tell that it is hopeless.
    if (times.at(-1)! > 2_000) break;
  }
  return Math.min(...times);
}
