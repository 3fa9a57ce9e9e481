import type { Config } from '../../config/config.js';
import type { DelayedRefusals } from '../../limits/delayed-refusals.js';
import type { Gate } from '../../limits/gate.js';
import { Metrics } from '../../monitoring/metrics.js';
import { MessageIntake } from './message-intake.js';
import { service } from '../../../../test/fixtures/engine-domain/service.js';

/** Of `count` messages sent at once by one account: how many are handed on before its socket is not read any more. */
function takenOf(count: number, rateLimits: boolean): number {
  const metrics = new Metrics({ service });
  const intake = new MessageIntake({} as Gate, {} as DelayedRefusals, { rateLimits } as Config, metrics);
  let taken = 0;
  let isHeld = false;
  const pauseReading = () => {
    isHeld = true;
  };
  const socket = { credential: { accountId: 'ada' }, client: { address: '127.0.0.1' }, open: false };
  const receive = intake.of(Object.assign(socket, { pauseReading, resumeReading() {} }) as never, () => {
    taken += 1;
  });
  for (let at = 0; at < count; at += 1) {
    receive('{}');
    if (isHeld) break;
  }
  return taken;
}

it('MessageIntake pauses reading at the rate limit of an account', () => {
  expect(takenOf(200_000, true)).toBeLessThan(15_000);
});

it('MessageIntake with RATE_LIMITS=off pauses reading at the limit of the instance', () => {
  const taken = takenOf(200_000, false);
  expect(taken).toBeGreaterThan(15_000);
  expect(taken).toBeLessThan(200_000);
});
