// The body of a request to the endpoint: bytes that are parsed once the gate has admitted them.
import type { Request } from 'express';

/** Bytes above which JSON passes the gate before it is parsed: 1 MiB of nested lists takes 50 ms. */
export const LARGE_BODY_BYTES = 16 * 1024;

/** The parsed body. Throws the errors of body-parser when it is not a JSON object or list. */
export function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Refused below, without repeating the body.
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
