// Where GraphQL is served: one answer for HTTP requests and WebSocket upgrades.

/** The endpoint as it is printed everywhere. */
export const ENDPOINT = '/graphql';

/** Of a request in absolute form (RFC 9112, section 3.2.2), as forward proxies send it. */
const AUTHORITY = /^https?:\/\/[^/?#]*/i;

/**
 * The request target `url` with the endpoint in its printed form, query included; undefined if it is another address. A slash at the
 * end, capitals and percent-encoded letters are the same address.
 */
export function endpointOf(url = ''): string | undefined {
  const target = url.replace(AUTHORITY, '');
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  // The longest spelling: every character percent-encoded.
  if (path.length > 3 * (ENDPOINT.length + 1)) return undefined;
  if (decoded(path).toLowerCase().replace(/\/$/, '') !== ENDPOINT) return undefined;
  return query < 0 ? ENDPOINT : ENDPOINT + target.slice(query);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
