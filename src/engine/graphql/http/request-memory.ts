// Bounds the memory of requests: incoming bodies and unread responses. Requests above the bound are refused before execution.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { RateLimitedError, type ServiceError, ServiceUnavailableError } from '../../errors/service-error.js';
import type { Owner } from '../../limits/client-network.js';
import { Connections } from '../../limits/connections.js';
import { MAX_MESSAGE_BYTES } from '../../limits/message-size.js';
import { Metrics } from '../../monitoring/metrics.js';
import { BodyBytes } from './body-bytes.js';

/** Bytes of unread responses at which nothing more is executed: for callers that are not signed in, for all, and for one owner. */
const MAX_UNSENT = { anonymous: 32 * 1024 * 1024, all: 64 * 1024 * 1024, own: 8 * 1024 * 1024 };

@Injectable()
export class RequestMemory {
  private readonly bodies: BodyBytes;
  private readonly bounded: boolean;
  private readonly refused: Counter<'reason'>;

  constructor(
    readonly connections: Connections,
    @Inject(CONFIG) { rateLimits }: Config,
    metrics: Metrics,
  ) {
    this.bounded = rateLimits;
    this.bodies = new BodyBytes(MAX_MESSAGE_BYTES, rateLimits);
    this.refused = metrics.counter(
      'http_refusals_total',
      'Requests refused with 429 or 503 because of memory: body (request bodies), unread (responses).',
      'reason',
    );
    metrics.gauge('request_body_bytes', 'Bytes of request bodies in memory.', () => this.bodies.bytes);
  }

  /** Counts the body of the request until it is answered; why it is refused before it is read, if it is. */
  holdBody(request: IncomingMessage, response: ServerResponse, network: Owner): ServiceError | undefined {
    const held = this.bodies.hold(request, network);
    if (held === 'network') return this.counted('body', new RateLimitedError(1));
    if (held === 'instance') return this.counted('body', new ServiceUnavailableError(undefined, 1));
    response.once('close', held);
    return undefined;
  }

  /** The refusal if too many bytes of responses are unread, by `owner` (a network or a signed-in account) or by all together. */
  unreadRefusal(owner: string | undefined, signedIn: boolean): ServiceError | undefined {
    const { all, own } = this.connections.unsent(owner ?? '');
    if (own >= MAX_UNSENT.own && this.bounded) return this.counted('unread', new RateLimitedError(10));
    const most = signedIn ? MAX_UNSENT.all : MAX_UNSENT.anonymous;
    return all >= most ? this.counted('unread', new ServiceUnavailableError(undefined, 10)) : undefined;
  }

  private counted(reason: string, error: ServiceError): ServiceError {
    this.refused.inc({ reason });
    return error;
  }
}
