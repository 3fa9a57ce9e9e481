// Refusals over HTTP: their status and headers, the same for every media type.
import type { IncomingMessage } from 'node:http';
import type { GraphQLFormattedError } from 'graphql';

export const RESPONSE_JSON = 'application/graphql-response+json';
/** Seconds that a client is asked to wait by default. */
const DEFAULT_RETRY = 1;

/** The status of codes that say: not now. */
const STATUS: Readonly<Record<string, number>> = { RATE_LIMITED: 429, SERVICE_UNAVAILABLE: 503 };

/** The status and `Retry-After` of the first error that has a retry time. */
export function refusalOf(
  errors: readonly GraphQLFormattedError[] | undefined,
): { readonly status: number; readonly retryAfter: string } | undefined {
  for (const { extensions } of errors ?? []) {
    const status = STATUS[String(extensions?.['code'])];
    if (status) return { status, retryAfter: String(Number(extensions?.['retryAfter'] ?? DEFAULT_RETRY)) };
  }
  return undefined;
}

/** Whether the client wants the media type that is GraphQL's own. */
export function wantsResponseJson(accept: string | undefined): boolean {
  return accept?.includes(RESPONSE_JSON) ?? false;
}

/** `content-type` of a response to `request`. */
export function contentType({ headers }: IncomingMessage): string {
  return `${wantsResponseJson(headers.accept) ? RESPONSE_JSON : 'application/json'}; charset=utf-8`;
}
