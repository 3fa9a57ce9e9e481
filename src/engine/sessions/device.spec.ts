import * as fc from 'fast-check';
import { anyText } from '../../../test/support/any-text.js';
import { tries } from '../../../test/support/extent.js';
import { deviceOf } from './device.js';

const KIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';

describe('deviceOf', () => {
  it.each([
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0', 'Firefox 142 on Windows'],
    [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${KIT} Chrome/139.0.0.0 Safari/537.36`, 'Chrome 139 on macOS'],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${KIT} Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0`,
      'Microsoft Edge 139 on Windows',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
      'Safari 18.5 on iOS',
    ],
    [`Mozilla/5.0 (Linux; Android 15; Pixel 9) ${KIT} Chrome/139.0.0.0 Mobile Safari/537.36`, 'Chrome 139 on Android'],
    ['Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox 128 on Linux'],
  ])('names the browser and system: %s', (agent, device) => {
    expect(deviceOf(agent)).toBe(device);
  });

  it.each([
    ['curl/8.5.0', 'curl 8.5'],
    ['node', 'node'],
    ['python-requests/2.32.3', 'python-requests 2.32'],
    ['Acme Sync/7 (nightly)', 'Acme'],
    ['Mozilla/5.0', 'Unknown browser'],
    ['Mozilla/5.0 (Windows NT 10.0)', 'Unknown browser on Windows'],
    ['(no product)', '(no product)'],
  ])('names the product if it is no browser: %s', (agent, device) => {
    expect(deviceOf(agent)).toBe(device);
  });

  it.each([null, '', '   ', '\u0000\u202e\u200b'])('is null without a readable user agent: %j', (agent) => {
    expect(deviceOf(agent)).toBeNull();
  });

  it('is one short, printable line, whatever is sent', () => {
    const hostile = fc.oneof(
      anyText({ maxLength: 2_000 }),
      anyText({ maxLength: 60 }).map((text) => `Firefox/${text}`),
      anyText({ maxLength: 60 }).map((text) => `${text}/1.0 (Windows NT 10.0)`),
    );
    fc.assert(
      fc.property(hostile, (agent) => {
        const device = deviceOf(agent) ?? 'nothing';
        expect(device.length).toBeGreaterThan(0);
        expect([...device].length).toBeLessThanOrEqual(80);
        expect(device).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
      }),
      { numRuns: tries(500) },
    );
  });
});
