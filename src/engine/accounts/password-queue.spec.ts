// Who hashes next, without hashing: the work is that of the test.
import { availableParallelism } from 'node:os';
import { loadConfig } from '../config/config.js';
import { Gate } from '../limits/gate.js';
import { Metrics } from '../operations/metrics.js';
import { MAX_WAITING, PasswordQueue } from './password-queue.js';

const AT_ONCE = Math.max(1, availableParallelism() - 1);

function setUp(env: Record<string, string> = {}) {
  const config = loadConfig(env);
  const metrics = new Metrics();
  const queue = new PasswordQueue(config, metrics, new Gate(config, metrics));
  const order: string[] = [];
  const ends: (() => void)[] = [];
  const send = (address: string | undefined, purpose: 'sign-in' | 'other' = 'sign-in') =>
    queue.run(address, purpose, () => {
      order.push(address ?? 'own');
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  /** As many that stay until `finish`: everything else waits. */
  const occupy = () => Array.from({ length: AT_ONCE }, (_, at) => void send(`192.0.${at}.1`));
  const finish = async (): Promise<void> => {
    ends.shift()?.();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  };
  const finishAll = async (): Promise<void> => {
    while (ends.length > 0) await finish();
  };
  return { queue, order, send, occupy, finish, finishAll };
}

const code = (sent: Promise<unknown>) =>
  sent.then(
    () => 'OK',
    (error: { extensions: { code: string; retryAfter: number } }) => [
      error.extensions.code,
      error.extensions.retryAfter,
    ],
  );

describe('the queue of passwords', () => {
  it('puts a network that has signed in before in front of 200 wrong passwords from 64 others', async () => {
    const { queue, order, send, occupy, finish, finishAll } = setUp();
    queue.succeeded('198.51.100.7');
    occupy();
    for (let at = 0; at < 192; at += 1) void send(`203.${at % 64}.0.9`);
    const signIn = code(send('198.51.100.7'));
    await finish();
    expect(order.at(-1)).toBe('198.51.100.7');
    await finishAll();
    expect(await signIn).toBe('OK');
  });

  it('puts a network that nobody knows in front of those that sent wrong passwords', async () => {
    const { queue, order, send, occupy, finish, finishAll } = setUp();
    for (let at = 0; at < 40; at += 1) queue.failed(`203.${at}.0.9`);
    occupy();
    for (let at = 0; at < 40; at += 1) void send(`203.${at}.0.9`);
    void send('198.51.100.8');
    await finish();
    expect(order.at(-1)).toBe('198.51.100.8');
    await finishAll();
  });

  it('lets sign-ins pass registrations, and registrations come all the same', async () => {
    const { order, send, occupy, finish, finishAll } = setUp();
    occupy();
    for (let at = 0; at < 20; at += 1) void send(`203.0.${at}.9`, 'other');
    for (let at = 0; at < 10; at += 1) void send(`198.51.${at}.9`);
    for (let at = 0; at < 8; at += 1) await finish();
    const next = order.slice(AT_ONCE);
    expect(next.filter((address) => address.startsWith('198.'))).toHaveLength(6);
    expect(next.filter((address) => address.startsWith('203.'))).toHaveLength(2);
    await finishAll();
  });

  it('keeps four of a network and sixteen of its site, and tells the next when to come back', async () => {
    const { send, occupy, finishAll } = setUp();
    occupy();
    const four = Array.from({ length: MAX_WAITING.network }, () => code(send('2001:db8:1:1::1')));
    expect(await code(send('2001:db8:1:1::2'))).toEqual(['RATE_LIMITED', 1]);
    for (let at = 0; at < MAX_WAITING.site - MAX_WAITING.network; at += 1) void send(`2001:db8:1:${at + 2}::1`);
    expect(await code(send('2001:db8:1:99::1'))).toEqual(['RATE_LIMITED', 1]);
    const other = code(send('2001:db8:2::1'));
    await finishAll();
    expect(await Promise.all([...four, other])).toEqual(['OK', 'OK', 'OK', 'OK', 'OK']);
  });

  it.each(['on', 'off'])('keeps 200 altogether, with RATE_LIMITS=%s', async (limits) => {
    const { queue, send, occupy, finishAll } = setUp({ RATE_LIMITS: limits });
    occupy();
    for (let at = 0; at < MAX_WAITING.all; at += 1) void send(limits === 'off' ? '203.0.113.1' : `203.${at}.0.1`);
    expect(queue.waiting).toBe(MAX_WAITING.all);
    expect(await code(send('198.51.100.1'))).toEqual(['SERVICE_UNAVAILABLE', 1]);
    const own = code(send(undefined));
    await finishAll();
    expect(await own).toBe('OK');
  });
});
