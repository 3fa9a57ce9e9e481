// HTTP as it is, for requests that no decent client would send. Every answer must keep what we promise of all of them.
import type { GraphqlError } from './graphql-client.js';

/** Part of what hostile requests say: no answer may repeat it. */
export const SECRET = 'do-not-repeat-me';
export const JSON_TYPE = { 'content-type': 'application/json' };
/** As a client of the GraphQL-over-HTTP specification asks: then the status says what happened. */
export const STRICT = { ...JSON_TYPE, accept: 'application/graphql-response+json' };

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly errors: readonly GraphqlError[];
}

/** Sends a request as it is. Whatever comes back repeats no secret and shows neither stack nor internals. */
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

/** The paths of the input that the answer says are wrong. */
export function fields({ errors }: Answer): string[] {
  return errors.flatMap(({ extensions }) => (extensions['fields'] ?? []) as { path: string }[]).map(({ path }) => path);
}
