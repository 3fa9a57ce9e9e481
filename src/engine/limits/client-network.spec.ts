import { networkOf } from './client-network.js';

describe('networkOf', () => {
  it('returns an IPv4 address, however it is written', () => {
    for (const written of ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:c000:207', '0:0:0:0:0:ffff:192.0.2.7']) {
      expect(networkOf(written)).toBe('192.0.2.7');
    }
    expect(networkOf('192.0.2.8')).not.toBe(networkOf('192.0.2.7'));
  });

  it('returns an IPv6 /64', () => {
    for (const written of [
      '2001:db8:0:1::1',
      '2001:DB8::1:ffff:0:0:1',
      '2001:0db8:0000:0001:9:9:9:9',
      '2001:db8:0:1::%eth0',
    ]) {
      expect(networkOf(written)).toBe('2001:db8:0:1::/64');
    }
    expect(networkOf('2001:db8:0:2::1')).toBe('2001:db8:0:2::/64');
    expect(networkOf('::1')).toBe('0:0:0:0::/64');
  });

  it('never throws, whatever a proxy sends', () => {
    expect(networkOf('unknown')).toBe('unknown');
    expect(networkOf('')).toBe('');
  });
});
