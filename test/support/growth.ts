// Measures how CPU time grows with the size of the input: a ratio, never a threshold in ms.

const REPEATS = 5;
/** CPU time in ms below which growth is ignored. */
const NEGLIGIBLE_MS = 10;

/** Maximum number of measurements. The minimum counts, since other load can only increase a measurement. */
const ATTEMPTS = 8;

/**
 * Ratio of the CPU time of `work` for `4 * size` to that for `size`, as the minimum of several runs: about 4 if linear,
 * 16 if quadratic. Returns 1 if the larger takes less than {@link NEGLIGIBLE_MS}.
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

/** Upper bound of {@link growth} for linear work, with a margin for a busy machine. */
export const LINEAR = 9;

async function leastTime<T>(input: T, work: (input: T) => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < REPEATS; round += 1) {
    const before = process.cpuUsage();
    await work(input);
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1_000);
    // So slow that further rounds would only delay the failure.
    if (times.at(-1)! > 2_000) break;
  }
  return Math.min(...times);
}
