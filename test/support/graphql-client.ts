// A GraphQL-over-HTTP client. It uses `node:http`, since `fetch` takes two to three times the CPU and tests send
// thousands of requests.
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string } & Readonly<Record<string, unknown>>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the shape of the response depends on the query of the test
export type Data = any;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Data;
  readonly errors: readonly GraphqlError[] | undefined;
}

const agent = new Agent({ keepAlive: true });

export class GraphqlClient {
  constructor(
    readonly url: string,
    readonly accessToken?: string,
    readonly endpoint = '/graphql',
  ) {}

  /** Sends an operation and returns the response, errors included. */
  async send(query: string, variables?: Record<string, unknown>, headers: Record<string, string> = {}): Promise<Reply> {
    return this.post(JSON.stringify({ query, variables }), headers);
  }

  /** Sends a request body unchanged. */
  async post(body: string, headers: Record<string, string> = {}): Promise<Reply> {
    const authorization = this.accessToken ? { authorization: `Bearer ${this.accessToken}` } : {};
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = {
        agent,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization, ...headers },
      };
      request(this.url + this.endpoint, options, resolve)
        .on('error', reject)
        .end(body);
    });
    const answer = await text(response);
    const parsed = answer.startsWith('{') ? (JSON.parse(answer) as { data?: Data; errors?: GraphqlError[] }) : {};
    return {
      status: response.statusCode!,
      headers: new Headers(pairs(response.rawHeaders)),
      data: parsed.data,
      errors: parsed.errors,
    };
  }

  /** The data of an operation that must succeed. */
  async data(query: string, variables?: Record<string, unknown>): Promise<Data> {
    const { data, errors } = await this.send(query, variables);
    if (errors) throw new Error(`The operation failed: ${JSON.stringify(errors)}`);
    return data;
  }

  /** The only error of an operation that must fail. */
  async error(query: string, variables?: Record<string, unknown>): Promise<GraphqlError> {
    const { errors } = await this.send(query, variables);
    if (errors?.length !== 1) throw new Error(`Expected one error, got ${JSON.stringify(errors)}`);
    return errors[0]!;
  }
}

/** Name and value pairs of Node's flat `rawHeaders`. */
function pairs(headers: readonly string[]): [string, string][] {
  return headers.flatMap((name, at) => (at % 2 ? [] : [[name, headers[at + 1]!]]));
}

export const codeOf = ({ errors }: Reply): string => errors?.[0]?.extensions.code ?? 'OK';

/** Sends `times` requests sequentially and counts the responses per error code. */
export async function codesOf(times: number, send: (at: number) => Promise<Reply>): Promise<Record<string, number>> {
  const codes: Record<string, number> = {};
  for (let at = 0; at < times; at += 1) {
    const code = codeOf(await send(at));
    codes[code] = (codes[code] ?? 0) + 1;
  }
  return codes;
}
