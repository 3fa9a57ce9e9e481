// Whose address a request comes from: the socket's, or what proxies that we trust say of it.
import type { IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';
import type { ClientInfo } from '../access/role.js';

export type ClientOf = (request: IncomingMessage) => ClientInfo;

/** Reads `X-Forwarded-For` as far as the chain consists of `trusted` proxies (CIDRs), and no further. */
export function clientReader(trusted: readonly string[]): ClientOf {
  const trust = proxyAddr.compile([...trusted]);
  return (request) => ({
    address: proxyAddr(request, trust).replace(/^::ffff:/, ''),
    userAgent: request.headers['user-agent']?.slice(0, 512),
  });
}
