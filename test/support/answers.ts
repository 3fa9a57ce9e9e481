// Raw HTTP requests, malformed ones included, with the checks that every response must pass.
import type { GraphqlError } from './graphql-client.js';

/** Marker in hostile requests: no response may echo it. */
export const SECRET = 'do-not-repeat-me';
export const JSON_TYPE = { 'content-type': 'application/json' };
/** Headers for the media type of the GraphQL-over-HTTP specification, whose responses use HTTP error statuses. */
export const STRICT = { ...JSON_TYPE, accept: 'application/graphql-response+json' };

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly errors: readonly GraphqlError[];
}

/** Sends a request unchanged. Fails if the response contains {@link SECRET}, a stack trace or other internals. */
export async function request(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  expect(text).not.toMatch(new RegExp(`${SECRET}|node_modules|at \\w+ \\(|stacktrace|"http"`));
  const { errors = [] } = text.startsWith('{') ? (JSON.parse(text) as { errors?: GraphqlError[] }) : {};
  return { status: response.status, type: response.headers.get('content-type') ?? '', text, errors };
}

export function codes({ errors }: Answer): string[] {
  return errors.map(({ extensions }) => extensions.code);
}

/** The input paths that the validation errors of a response name. */
export function fields({ errors }: Answer): string[] {
  return errors.flatMap(({ extensions }) => (extensions['fields'] ?? []) as { path: string }[]).map(({ path }) => path);
}
