import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { lowerPoolPriority } from './pool-priority.js';

const named = (name: string) =>
  readdirSync('/proc/self/task').filter((id) => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim() === name);

(process.platform === 'linux' ? describe : describe.skip)('threads that hash passwords', () => {
  it('pool threads have a lower priority than the thread that serves requests', async () => {
    // The pool's threads begin with its first work.
    await readFile(import.meta.filename);
    const before = getPriority();
    lowerPoolPriority();
    const pool = named('libuv-worker').map((id) => getPriority(Number(id)));
    expect(pool.length).toBeGreaterThan(0);
    expect(new Set(pool)).toEqual(new Set([10]));
    expect(getPriority()).toBe(before);
  });
});
