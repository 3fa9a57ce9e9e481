import * as fc from 'fast-check';
import { formatDuration, parseDuration } from './durations.js';
import { connectionUrl, host, networks, origin, origins, port } from './variable-types.js';

const accepts = (type: { safeParse(given: unknown): { success: boolean } }, text: string) =>
  type.safeParse(text).success;

describe('durations', () => {
  it.each([
    ['0', 0],
    ['250ms', 250],
    ['10s', 10_000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['30d', 2_592_000_000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['15', '-1s', '1.5h', '1 h', '1H', '1w', 's', '1h30m', '0x1s', '1e3s'])('%s is refused', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  it('formatDuration and parseDuration are inverse', () => {
    fc.assert(fc.property(fc.nat(999_999_999), (ms) => expect(parseDuration(formatDuration(ms))).toBe(ms)));
  });
});

describe('origins', () => {
  it.each(['https://a.example', 'http://localhost:4000', 'http://[::1]:4000', 'https://xn--bcher-kva.example'])(
    '%s is accepted',
    (text) => expect(accepts(origin, text)).toBe(true),
  );

  it.each([
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'http://tauri.localhost',
    'https://localhost',
    'app://localhost:3000',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  ])('%s, the origin of an app, is accepted in ALLOWED_ORIGINS', (text) => {
    expect(origins.parse(text)).toEqual([text]);
  });

  it.each(['capacitor://localhost', 'tauri://localhost'])('%s is refused for PUBLIC_URL', (text) =>
    expect(accepts(origin, text)).toBe(false),
  );

  it.each([
    ['with a trailing slash', 'https://a.example/'],
    ['with a path', 'https://a.example/app'],
    ['with a query', 'https://a.example?x'],
    ['with a default port', 'https://a.example:443'],
    ['with upper case', 'https://A.example'],
    ['with credentials', 'https://u@a.example'],
    ['with port 0', 'http://localhost:0'],
    ['without a scheme', 'a.example'],
    ['of another scheme', 'ws://a.example'],
    ['of a file', 'file:///'],
    ['null', 'null'],
    ['a wildcard', '*'],
    ['a wildcard host', 'https://*.a.example'],
    ['a wildcard in a name', 'https://app-*.example'],
    ['a wildcard port', 'https://a.example:*'],
    ['a regular expression', 'https://(a|b).example'],
    ['of an app, with a trailing slash', 'capacitor://localhost/'],
    ['of an app, with upper case', 'Capacitor://localhost'],
    ['of an app, a wildcard', 'tauri://*'],
    ['of an app, without a host', 'tauri://'],
    ['of an app, with credentials', 'tauri://u@localhost'],
    ['a file', 'file:///index.html'],
    ['two in one', 'https://a.example https://b.example'],
  ])('%s are refused', (_, text) => expect(accepts(origins, `https://ok.example, ${text}`)).toBe(false));

  it('are a list without blanks and duplicates, and not empty', () => {
    expect(origins.parse('https://a.example , https://b.example,https://a.example,')).toEqual([
      'https://a.example',
      'https://b.example',
    ]);
    expect(accepts(origins, ',')).toBe(false);
  });
});

describe('networks', () => {
  it('are CIDRs or single addresses', () => {
    expect(networks.parse('10.0.0.0/8, 192.0.2.7,fd00::/8,::1')).toEqual([
      '10.0.0.0/8',
      '192.0.2.7/32',
      'fd00::/8',
      '::1/128',
    ]);
  });

  it.each([
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0.0/',
    '10.0.0/8',
    '10.0.0.0/8/8',
    'loopback',
    '0.0.0.0/0',
    '::/0',
    '1/-1',
  ])('%s is refused', (text) => expect(accepts(networks, text)).toBe(false));
});

describe('ports and hosts', () => {
  it.each(['0', '65535'])('port %s is accepted', (text) => expect(accepts(port, text)).toBe(true));
  it.each(['-1', '65536', '4e3', '0x50', '80.0', ' 80'])('port %s is refused', (text) =>
    expect(accepts(port, text)).toBe(false),
  );
  it.each(['0.0.0.0', '::', 'localhost', 'node-1.internal'])('host %s is accepted', (text) =>
    expect(accepts(host, text)).toBe(true),
  );
  it.each(['[::1]', 'localhost:4000', '127.0.0.256', 'http://a', 'a b', '-a'])('host %s is refused', (text) =>
    expect(accepts(host, text)).toBe(false),
  );
});

describe('connection URLs', () => {
  const redis = connectionUrl(['redis', 'rediss']);

  it('are not rewritten', () => {
    expect(redis.parse('rediss://u:p%40ss@r.example:6380/1')).toBe('rediss://u:p%40ss@r.example:6380/1');
  });

  it.each(['redis://', 'http://r', 'r:6379', 'redis://u:1/2@r', 'redis://u:1#2@r', 'redis://u:1?2@r', 'redis://u:%@r'])(
    '%s is refused',
    (text) => expect(accepts(redis, text)).toBe(false),
  );
});
