// Security headers of every reply, of pages and refusals alike. Pages replace the content security policy with their own.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../../config/config.js';

/** No page of another site may frame a reply, and a reply that is no page loads nothing. */
const NO_PAGE = "default-src 'none'; frame-ancestors 'none'";

const HEADERS = new Map([
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'same-origin'],
  ['content-security-policy', NO_PAGE],
  // Replies belong to one account and one moment. Cacheable replies, such as files of a page, replace this header.
  ['cache-control', 'no-store'],
]);

/** A year, without subdomains: those may belong to others. */
const HSTS = 'max-age=31536000';

/** Sets the headers of a reply, before anything else is done with the request. */
export function securityHeaders({
  production,
  publicUrl,
}: Pick<Config, 'production' | 'publicUrl'>): (request: IncomingMessage, response: ServerResponse) => void {
  const overHttps = production && publicUrl.startsWith('https:');
  return ({ headers }, response) => {
    response.setHeaders(HEADERS);
    // RFC 6797, section 7.2: not over plain http. A proxy that ended TLS need not say so.
    if (overHttps && headers['x-forwarded-proto'] !== 'http') response.setHeader('strict-transport-security', HSTS);
  };
}
