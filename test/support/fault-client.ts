// A GraphQL-over-HTTP client that retries each operation, on alternating instances, until it succeeds.
import { setTimeout as pause } from 'node:timers/promises';
import type { Data, GraphqlError } from './graphql-client.js';

/** Response timeout in ms: an instance stopped by SIGSTOP still accepts connections. */
const RESPONSE_TIMEOUT_MS = 2_000;
const RETRY_MS = 100;
/** ms after which all faults have ended, so that a further failure is an error. */
const TOTAL_TIMEOUT_MS = 120_000;

/** Error codes of transient failures, which the client retries. */
const PASSES = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED']);

export class PersistentClient {
  /** Attempts without a response or with a transient error. */
  retried = 0;
  private turn = 0;

  constructor(
    private readonly urls: readonly string[],
    private readonly accessToken?: string,
  ) {}

  /** Returns the data of an idempotent operation. Throws on errors that are not transient. */
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

  /** One attempt, at the next instance. Rejects without a complete GraphQL response. */
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
