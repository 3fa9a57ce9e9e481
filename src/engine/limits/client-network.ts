// Groups client addresses into networks: an IPv4 address, or an IPv6 /64, which is what one subscriber line gets.
import { isIPv4, isIPv6 } from 'node:net';

/** `1.2.3.4`, also when written as IPv6; `2001:db8:0:1::/64`; other text unchanged. */
export function networkOf(address: string): string {
  const bare = address.split('%', 1)[0] ?? '';
  if (!isIPv6(bare)) return bare;
  const groups = groupsOf(bare);
  const [high = 0, low = 0] = groups.slice(6);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xff_ff;
  if (mapped) return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}

/**
 * The site of a network: an IPv4 /24 or an IPv6 /48, the usual size of a customer's assignment. Other text
 * unchanged.
 */
export function siteOf(address: string): string {
  const network = networkOf(address);
  if (network.endsWith('::/64')) return `${network.split(':').slice(0, 3).join(':')}::/48`;
  return isIPv4(network) ? `${network.slice(0, network.lastIndexOf('.'))}.0/24` : network;
}

/** Who is charged for work, and the larger group with which it shares turns. */
export interface Owner {
  readonly group: string;
  readonly key: string;
}

/** The network of an address, in its site. */
export function ownerOf(address: string): Owner {
  return { group: siteOf(address), key: networkOf(address) };
}

/** The eight groups of an address: `URL` writes them in compressed hexadecimal (RFC 5952). */
function groupsOf(address: string): number[] {
  const written = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = [], tail = []] = written.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
}
