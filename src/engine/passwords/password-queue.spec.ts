// Who hashes next, without hashing: the work is that of the test.
import { availableParallelism } from 'node:os';
import { loadConfig } from '../config/config.js';
import { FamiliarNetworks } from '../limits/familiar-networks.js';
import { Gate } from '../limits/gate.js';
import { Metrics } from '../monitoring/metrics.js';
import { type Caller, MAX_WAITING, PasswordQueue } from './password-queue.js';
import { service } from '../../../test/fixtures/engine-domain/service.js';

const AT_ONCE = Math.max(1, availableParallelism() - 1);
const signIn = (address: string): Caller => ({ purpose: 'sign-in', address });
const registration = (address: string): Caller => ({ purpose: 'registration', address });
const change = (accountId: string): Caller => ({ purpose: 'change', accountId });
/** One of the networks of an IPv6 /40, each in a site of its own. */
const fresh = (at: number) => `2001:db8:${at.toString(16)}:1::1`;

function setUp(env: Record<string, string> = {}) {
  const config = loadConfig(env, service);
  const metrics = new Metrics(config);
  const familiar = new FamiliarNetworks();
  const queue = new PasswordQueue(config, metrics, new Gate(config, metrics, familiar), familiar);
  const order: string[] = [];
  const ends: (() => void)[] = [];
  const send = (caller: Caller | undefined, name = caller?.purpose ?? 'own') =>
    queue.run(caller, () => {
      order.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  /** As many that stay until `finish`: everything else waits. */
  const occupy = () => Array.from({ length: AT_ONCE }, () => void send(undefined));
  const finish = async (): Promise<void> => {
    ends.shift()?.();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  };
  const finishAll = async (): Promise<void> => {
    while (ends.length > 0) await finish();
  };
  const waiting = async () =>
    [...(await metrics.registry.metrics()).matchAll(/^notes_password_hashes_waiting\{kind="(.*)"\} (\d+)$/gm)].map(
      ([, kind, count]) => [kind, Number(count)],
    );
  return { queue, order, send, occupy, finish, finishAll, waiting };
}

const code = (sent: Promise<unknown>) =>
  sent.then(
    () => 'OK',
    (error: { extensions: { code: string; retryAfter: number } }) => [
      error.extensions.code,
      error.extensions.retryAfter,
    ],
  );

describe('PasswordQueue', () => {
  it.each([
    ['wrong passwords', signIn],
    ['registrations', registration],
  ])(
    'serves a familiar network before %s from as many new networks as may wait, without refusals',
    async (_, flood) => {
      const { queue, order, send, occupy, finish, finishAll } = setUp();
      queue.succeeded(signIn('198.51.100.7'));
      occupy();
      const flooded = Array.from({ length: 300 }, (__, at) => code(send(flood(fresh(at)))));
      const signedIn = code(send(signIn('198.51.100.7'), 'familiar'));
      await finish();
      expect(order.at(-1)).toBe('familiar');
      await finishAll();
      expect(await signedIn).toBe('OK');
      expect((await Promise.all(flooded)).at(-1)).toEqual(['SERVICE_UNAVAILABLE', 1]);
    },
  );

  it('serves an anonymous sign-in beside registrations of 300 new networks, and a registration beside as many sign-ins', async () => {
    for (const [flood, other] of [
      [registration, signIn],
      [signIn, registration],
    ] as const) {
      const { order, send, occupy, finish, finishAll } = setUp();
      occupy();
      for (let at = 0; at < 300; at += 1) void code(send(flood(fresh(at))));
      const sent = code(send(other('198.51.100.8'), 'stranger'));
      for (let at = 0; at < 4; at += 1) await finish();
      expect(order).toContain('stranger');
      await finishAll();
      expect(await sent).toBe('OK');
    }
  });

  it('queues password changes by account, whatever its network sends', async () => {
    const { order, send, occupy, finish, finishAll } = setUp();
    occupy();
    for (let at = 0; at < 150; at += 1) void code(send(signIn('203.0.113.9')));
    for (let at = 0; at < 150; at += 1) void code(send(signIn(fresh(at))));
    const changed = code(send(change('an account'), 'change'));
    await finish();
    expect(order.at(-1)).toBe('change');
    await finishAll();
    expect(await changed).toBe('OK');
  });

  it('serves a new network before those that sent wrong passwords', async () => {
    const { queue, order, send, occupy, finish, finishAll } = setUp();
    for (let at = 0; at < 40; at += 1) queue.failed(signIn(`203.${at}.0.9`));
    occupy();
    for (let at = 0; at < 40; at += 1) void send(signIn(`203.${at}.0.9`));
    void send(signIn('198.51.100.8'), 'stranger');
    await finish();
    expect(order.at(-1)).toBe('stranger');
    await finishAll();
  });

  it('serves sign-ins before registrations, which get every fourth hash', async () => {
    const { order, send, occupy, finish, finishAll } = setUp();
    occupy();
    for (let at = 0; at < 20; at += 1) void send(registration(`203.0.${at}.9`));
    for (let at = 0; at < 10; at += 1) void send(signIn(`198.51.${at}.9`));
    for (let at = 0; at < 8; at += 1) await finish();
    const next = order.slice(AT_ONCE);
    expect(next.filter((name) => name === 'sign-in')).toHaveLength(6);
    expect(next.filter((name) => name === 'registration')).toHaveLength(2);
    await finishAll();
  });

  it('queues four per network and sixteen per site, and refuses more with a retry time', async () => {
    const { send, occupy, finishAll } = setUp();
    occupy();
    const four = Array.from({ length: MAX_WAITING.network }, () => code(send(signIn('2001:db8:1:1::1'))));
    expect(await code(send(signIn('2001:db8:1:1::2')))).toEqual(['RATE_LIMITED', 1]);
    for (let at = 0; at < MAX_WAITING.site - MAX_WAITING.network; at += 1) void send(signIn(`2001:db8:1:${at + 2}::1`));
    expect(await code(send(signIn('2001:db8:1:99::1')))).toEqual(['RATE_LIMITED', 1]);
    const other = code(send(signIn('2001:db8:2::1')));
    await finishAll();
    expect(await Promise.all([...four, other])).toEqual(['OK', 'OK', 'OK', 'OK', 'OK']);
  });

  it.each(['on', 'off'])(
    'queues 100 sign-ins and 50 registrations of new networks, with RATE_LIMITS=%s',
    async (limits) => {
      const { send, occupy, finishAll, waiting } = setUp({ RATE_LIMITS: limits });
      occupy();
      const address = (at: number) => (limits === 'off' ? '203.0.113.1' : fresh(at));
      for (let at = 0; at < 150; at += 1) {
        void code(send(signIn(address(at))));
        void code(send(registration(address(at))));
      }
      expect(await waiting()).toEqual([
        ['known', 0],
        ['sign-in', 100],
        ['registration', 50],
      ]);
      expect(await code(send(signIn('198.51.100.1')))).toEqual(['SERVICE_UNAVAILABLE', 1]);
      expect(await code(send(registration('198.51.100.1')))).toEqual(['SERVICE_UNAVAILABLE', 1]);
      const own = code(send(undefined));
      await finishAll();
      expect(await own).toBe('OK');
    },
  );
});
