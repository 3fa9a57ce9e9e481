// Where GraphQL is served: one answer for HTTP requests and WebSocket upgrades.
import type { Request } from 'express';

/** Of a request in absolute form (RFC 9112, section 3.2.2), as forward proxies send it. */
const AUTHORITY = /^https?:\/\/[^/?#]*/i;

/**
 * The request target with the endpoint in its printed form, query included; undefined if it is another address. A slash at the end,
 * capitals and percent-encoded letters are the same address.
 */
export type EndpointOf = (url?: string) => string | undefined;

/** `endpoint`: as the service prints it everywhere. */
export function endpointReader(endpoint: string): EndpointOf {
  return (url = '') => {
    const target = url.replace(AUTHORITY, '');
    const query = target.indexOf('?');
    const path = query < 0 ? target : target.slice(0, query);
    // The longest spelling: every character percent-encoded.
    if (path.length > 3 * (endpoint.length + 1)) return undefined;
    if (decoded(path).toLowerCase().replace(/\/$/, '') !== endpoint) return undefined;
    return query < 0 ? endpoint : endpoint + target.slice(query);
  };
}

/** Whether a browser opens the endpoint as a page: it sends no query, and prefers HTML to JSON. */
export function opensPage(request: Request): boolean {
  if ((request.method !== 'GET' && request.method !== 'HEAD') || request.query['query'] !== undefined) return false;
  return prefersHtml(request);
}

/** Whether the client prefers HTML to JSON, as a browser does that opens an address. */
export function prefersHtml(request: Request): boolean {
  return request.accepts(['application/json', 'application/graphql-response+json', 'text/html']) === 'text/html';
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
