import type { Config } from '../../config/config.js';
import { RateLimitedError, ServiceUnavailableError } from '../../errors/service-error.js';
import type { Connections } from '../../limits/connections.js';
import { RequestMemory } from './request-memory.js';
import { Metrics } from '../../monitoring/metrics.js';
import { service } from '../../../../test/fixtures/engine-domain/service.js';

const MEGABYTE = 1024 * 1024;
const load = (all: number, own: number, rateLimits = true) =>
  new RequestMemory(
    { unsent: () => ({ all: all * MEGABYTE, own: own * MEGABYTE }) } as unknown as Connections,
    { rateLimits } as Config,
    new Metrics({ service }),
  );

describe('unread responses', () => {
  it('of 32 MiB in total: anonymous requests are refused with 503', () => {
    expect(load(31.9, 0).unreadRefusal('a', false)).toBeUndefined();
    expect(load(32, 0).unreadRefusal('a', false)).toBeInstanceOf(ServiceUnavailableError);
    expect(load(32, 0).unreadRefusal('a', true)).toBeUndefined();
  });

  it('of 64 MiB in total: all requests are refused, also without rate limits', () => {
    expect(load(63.9, 0).unreadRefusal('a', true)).toBeUndefined();
    expect(load(64, 0).unreadRefusal('a', true)).toBeInstanceOf(ServiceUnavailableError);
    expect(load(64, 0, false).unreadRefusal('a', true)).toBeInstanceOf(ServiceUnavailableError);
  });

  it('of 8 MiB of one owner: its requests are refused with 429', () => {
    expect(load(8, 7.9).unreadRefusal('a', true)).toBeUndefined();
    expect(load(8, 8).unreadRefusal('a', true)).toBeInstanceOf(RateLimitedError);
    expect(load(8, 8, false).unreadRefusal('a', true)).toBeUndefined();
  });
});
