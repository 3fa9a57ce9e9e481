// The body of a request to the endpoint: bytes that are parsed when it is their turn.
import type { Request } from 'express';

/** Bytes from which on parsing JSON is work of its own: 1 MiB of nested lists takes 50 ms. */
export const LARGE_BODY_BYTES = 16 * 1024;

/** What is in the body. Throws what body-parser throws when it is not a JSON object or list. */
export function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Refused below, without repeating what was sent.
  }
  throw Object.assign(new Error('Not JSON'), { status: 400, type: 'entity.parse.failed' });
}

/** The text of the document, wherever the request has it; undefined: it has none, or was not parsed yet. */
export function documentOf({ method, query, body }: Request): string | undefined {
  return queryIn(method === 'GET' ? query : body);
}

/** The text of the document in a body, or in the parameters of a GET. */
export function queryIn(parsed: unknown): string | undefined {
  const document: unknown = (parsed as { query?: unknown } | undefined)?.query;
  return typeof document === 'string' ? document : undefined;
}
