import { jest } from '@jest/globals';
import type { Config } from '../config/config.js';
import { RateLimitedError, ServiceUnavailableError } from '../errors/service-error.js';
import { ownerOf } from './client-network.js';
import { FamiliarNetworks } from './familiar-networks.js';
import { Gate, type Work } from './gate.js';
import { Metrics } from '../monitoring/metrics.js';
import { service } from '../../../test/fixtures/engine-domain/service.js';

const gates: Gate[] = [];
const newGate = (familiar = new FamiliarNetworks()): Gate => {
  const gate = new Gate({ rateLimits: true } as Config, new Metrics({ service }), familiar);
  gates.push(gate);
  return gate;
};
afterEach(() => {
  for (const gate of gates.splice(0)) gate.onApplicationShutdown();
});

const work = (address: string, accountId?: string): Work => ({
  network: ownerOf(address),
  accountId,
  isKnown: () => false,
  bytes: 100,
  wanted: () => true,
});
/** Why each of them is refused at once, all of them asked before the event loop goes on. */
async function refusals(gate: Gate, works: readonly Work[]): Promise<unknown[]> {
  const refused: unknown[] = [];
  for (const one of works) void gate.admit(one).catch((error: unknown) => refused.push(error));
  // Refusals are known in microtasks; nothing has had its turn.
  await Promise.resolve();
  await Promise.resolve();
  return refused;
}
const many = (count: number, of: (at: number) => Work): Work[] => Array.from({ length: count }, (_, at) => of(at));

describe('Gate: waiting anonymous operations', () => {
  it('of a whole IPv6 /40 are limited by the bound of the instance: then 503, to be retried', async () => {
    const gate = newGate();
    const network = (at: number) => work(`2001:db8:${(at % 256).toString(16)}:${at.toString(16)}::1`);
    const refused = await refusals(gate, many(520, network));
    expect(refused).toHaveLength(8);
    for (const error of refused) expect(error).toBeInstanceOf(ServiceUnavailableError);
    // Who is signed in waits elsewhere.
    expect(await refusals(gate, [work('2001:db8::1', 'an account')])).toEqual([]);
  });

  it('of a whole IPv6 /40 do not delay a network with a recent sign-in', async () => {
    const familiar = new FamiliarNetworks();
    familiar.add('198.51.100.7');
    const gate = newGate(familiar);
    const fresh = (at: number) => work(`2001:db8:${(at % 256).toString(16)}:${at.toString(16)}::1`);
    await refusals(gate, many(520, fresh));
    const strangers: string[] = [];
    for (let at = 0; at < 3; at += 1) void gate.admit(fresh(600 + at)).catch(() => strangers.push('refused'));
    let admitted = false;
    await gate.admit(work('198.51.100.7')).then(() => (admitted = true));
    expect([admitted, strangers]).toEqual([true, ['refused', 'refused', 'refused']]);
  });

  it('of one network are limited to 32: then 429, and other networks still wait', async () => {
    const gate = newGate();
    const refused = await refusals(
      gate,
      many(33, () => work('192.0.2.1')),
    );
    expect(refused).toEqual([expect.any(RateLimitedError)]);
    expect(await refusals(gate, [work('192.0.2.2')])).toEqual([]);
  });

  it('of one site are limited to 128, from any number of addresses', async () => {
    const refused = await refusals(
      newGate(),
      many(130, (at) => work(`192.0.2.${at}`)),
    );
    expect(refused).toEqual([expect.any(RateLimitedError), expect.any(RateLimitedError)]);
  });
});

describe('Gate: the queue of an operation with a large body', () => {
  it('is also charged for reading the body, which is not measured', async () => {
    const gate = newGate();
    await gate.admit({ ...work('192.0.2.1'), bytes: 1024 * 1024 });
    const since = performance.now();
    await gate.admit(work('198.51.100.1'));
    // 31 ms, less the 4 ms that a lane may do at once, at 15 %.
    expect(performance.now() - since).toBeGreaterThan(150);
  });
});

describe('Gate: operations of accounts with a new document', () => {
  const COUNT = 80;
  /** How often the lane rested until all were done, 1 ms of work each, if the document is kept parsed from its second sight on, or never. */
  async function rests(document: string, isKept: boolean): Promise<number> {
    const gate = newGate();
    let seen = 0;
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const works = many(COUNT, (at) => ({
      ...work('192.0.2.1', `account ${at}`),
      document,
      isKnown: () => isKept && seen >= 2,
    }));
    await Promise.all(
      works.map(async (one) => {
        await gate.admit(one);
        seen += 1;
        const start = performance.now();
        while (performance.now() - start < 1);
      }),
    );
    const { length } = timers.mock.calls;
    timers.mockRestore();
    return length;
  }

  it('are not delayed once the document is known to be light', async () => {
    // The lane rests by the clock, which goes on while a busy machine does something else: one of several attempts counts.
    let [heavy, light] = [0, 0];
    for (let attempt = 0; attempt < 8 && light >= heavy / 2; attempt += 1) {
      heavy = await rests('{ heavy }', false);
      light = await rests('{ light }', true);
    }
    expect(heavy).toBeGreaterThan(COUNT / 4);
    expect(light).toBeLessThan(heavy / 2);
  });
});
