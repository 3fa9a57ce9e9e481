import type { IncomingMessage } from 'node:http';
import { clientReader } from './client-address.js';

const read = clientReader(['10.0.0.0/8', '2001:db8:1::/48']);
const addressOf = (forwarded: string | undefined, remoteAddress: string | undefined = '10.0.0.5') =>
  read({ headers: { 'x-forwarded-for': forwarded }, socket: { remoteAddress } } as unknown as IncomingMessage).address;

it.each([
  ['the socket, where nothing is forwarded', undefined, '10.0.0.5'],
  ['what a trusted proxy says', '192.0.2.7', '192.0.2.7'],
  ['what the first stranger is, and not what strangers say', '198.51.100.1, 192.0.2.7, 10.1.1.1', '192.0.2.7'],
  ['without the port that some proxies write', '192.0.2.7:50123', '192.0.2.7'],
  ['without it in the middle of the chain', '192.0.2.7:50123, 10.1.1.1:443', '192.0.2.7'],
  ['IPv6', '2001:db8::7', '2001:db8::7'],
  ['IPv6 in brackets, with a port and without', '[2001:db8::7], [2001:db8:1::2]:443', '2001:db8::7'],
  ['IPv4 that was written as IPv6', '::ffff:192.0.2.7', '192.0.2.7'],
  ['IPv4 that was written as IPv6 in hexadecimal', '::ffff:c000:207', '::ffff:c000:207'],
  ['the proxy, where it passes on what is no address', '<script>', '10.0.0.5'],
  ['the proxy, where an address cannot be', '999.1.1.1', '10.0.0.5'],
  ['the proxy, of a chain whose end is none', 'unknown, 10.1.1.1', '10.1.1.1'],
  ['the proxy, where there is nothing between the commas', ' , ', '10.0.0.5'],
])('the address is %s', (_what, forwarded, address) => {
  expect(addressOf(forwarded)).toBe(address);
});

it('the address is that of the socket if the proxy is not trusted, whatever it sends', () => {
  expect(addressOf('192.0.2.7', '198.51.100.1')).toBe('198.51.100.1');
  expect(addressOf('192.0.2.7', '::ffff:198.51.100.1')).toBe('198.51.100.1');
});
