// Operations over HTTP to whichever node answers, again and again until one has: what an application does that must not lose a thing.
import { setTimeout as pause } from 'node:timers/promises';
import type { Data, GraphqlError } from './graphql-client.js';

/** ms that a node has to answer: one that was stopped still accepts connections. */
const RESPONSE_TIMEOUT_MS = 2_000;
const RETRY_MS = 100;
/** ms after which nothing can still be failing. */
const TOTAL_TIMEOUT_MS = 120_000;

/** What tells a client to try again. */
const PASSES = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED']);

export class PersistentClient {
  /** Tries that had no answer, or one that asked to try again. */
  retried = 0;
  private turn = 0;

  constructor(
    private readonly urls: readonly string[],
    private readonly accessToken?: string,
  ) {}

  /** The data of an operation that may be repeated. Throws what no fault of a backend excuses. */
  async data(query: string, variables: Readonly<Record<string, unknown>>): Promise<Data> {
    const body = JSON.stringify({ query, variables });
    const deadline = Date.now() + TOTAL_TIMEOUT_MS;
    for (;;) {
      const answer = await this.post(body).catch((error: unknown) => ({ lost: error }));
      if (!('lost' in answer)) {
        const { data, errors = [] } = answer;
        if (errors.length === 0) return data;
        const refused = errors.filter(({ extensions }) => !PASSES.has(extensions.code));
        if (refused.length > 0) throw new Error(`An operation was refused: ${JSON.stringify(refused)}`);
      }
      if (Date.now() > deadline) throw new Error(`No node has answered: ${JSON.stringify(answer)}`);
      this.retried += 1;
      await pause(RETRY_MS);
    }
  }

  /** One try, at the next node. Rejects when there is no whole answer in GraphQL. */
  private async post(body: string): Promise<{ data?: Data; errors?: readonly GraphqlError[] }> {
    this.turn += 1;
    const response = await fetch(`${this.urls[this.turn % this.urls.length]}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.accessToken ? { authorization: `Bearer ${this.accessToken}` } : {}),
      },
      body,
      signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS),
    });
    return (await response.json()) as { data?: Data; errors?: readonly GraphqlError[] };
  }
}
