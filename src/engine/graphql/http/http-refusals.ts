// Refusals before Express: written directly to the response, after a delay.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import type { ServiceError } from '../../errors/service-error.js';
import { DelayedRefusals } from '../../limits/delayed-refusals.js';
import { LARGE_BODY_BYTES } from './body.js';
import { contentType, refusalOf } from './refusal-response.js';

/** Headers that pages of other origins may read. */
export const EXPOSED_HEADERS = ['Retry-After'];

@Injectable()
export class HttpRefusals {
  private readonly allowedOrigins: ReadonlySet<string>;

  constructor(
    private readonly delayed: DelayedRefusals,
    @Inject(CONFIG) { allowedOrigins }: Config,
  ) {
    this.allowedOrigins = new Set(allowedOrigins);
  }

  /** Answers with `error`, or ends the connection if too many refusals wait already. */
  async refuse(request: IncomingMessage, response: ServerResponse, error: ServiceError): Promise<void> {
    if (!(await this.delayed.wait())) request.socket.destroy();
    else if (!response.destroyed && !response.headersSent) {
      const body = JSON.stringify({ errors: [{ message: error.message, extensions: error.extensions }] });
      const { status, retryAfter } = refusalOf([error]) ?? { status: 503, retryAfter: '1' };
      const headers = { ...this.cors(request), 'content-type': contentType(request), 'retry-after': retryAfter };
      const end = hasLongUnreadBody(request) ? { connection: 'close' } : {};
      response.writeHead(status, { ...headers, ...end, 'content-length': Buffer.byteLength(body) }).end(body);
    }
  }

  /** As the CORS middleware has it, so that pages can read `Retry-After`. */
  private cors({ headers: { origin } }: IncomingMessage): Record<string, string> {
    if (origin === undefined || !this.allowedOrigins.has(origin)) return { vary: 'Origin' };
    return {
      vary: 'Origin',
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': EXPOSED_HEADERS.join(','),
    };
  }
}

/** Whether so much of the body was not read that the next request on this connection would have to wait for it. */
function hasLongUnreadBody({ complete, headers }: IncomingMessage): boolean {
  const bytes = Number(headers['content-length'] ?? 0);
  return !complete && (headers['transfer-encoding'] !== undefined || bytes > LARGE_BODY_BYTES);
}
