// The address of a client: the socket's, or the one that trusted proxies forward.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyAddr from 'proxy-addr';
import type { ClientInfo } from '../../access/role.js';

export type ClientOf = (request: IncomingMessage) => ClientInfo;

/**
 * Reads `X-Forwarded-For` as far as the chain consists of `trusted` proxies (CIDRs), and no further. If an entry is no address, the
 * address of the proxy that forwarded it is used.
 */
export function clientReader(trusted: readonly string[]): ClientOf {
  const isTrusted = proxyAddr.compile([...trusted]);
  return (request) => {
    const hops = proxyAddr.all(request, (hop, distance) => isTrusted(bare(hop), distance));
    const address = hops.map(bare).findLast((hop) => isIP(hop) !== 0) ?? '';
    return {
      address: address.replace(/^::ffff:(?=[\d.]+$)/i, ''),
      userAgent: request.headers['user-agent']?.slice(0, 512),
    };
  };
}

/** Some proxies write the port too, which is another one each time, and IPv6 in brackets then. */
function bare(hop: string | undefined): string {
  const [, four, six] = /^([\d.]+):\d+$|^\[([^\]]+)\](?::\d+)?$/.exec(hop ?? '') ?? [];
  return four ?? six ?? hop ?? '';
}
