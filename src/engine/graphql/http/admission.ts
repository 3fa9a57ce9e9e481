// What a request passes before Express and Apollo spend anything on it: bounds of connections and bytes, then the gate.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Request, RequestHandler, Response } from 'express';
import { RateLimitedError, type ServiceError, ServiceUnavailableError } from '../../errors/service-error.js';
import { type Owner, ownerOf } from '../../limits/client-network.js';
import { Gate, type Work } from '../../limits/gate.js';
import { ContextFactory } from '../context-factory.js';
import { ENDPOINT } from '../endpoint.js';
import { OperationPipeline } from '../operations/operation-pipeline.js';
import { signOutIn } from '../operations/sign-out.js';
import { LARGE_BODY_BYTES, documentOf, parseBody, queryIn } from './body.js';
import { HttpLoad } from './load.js';
import { HttpRefusals } from './refusals.js';

/** ms for which it is known who sends a request: whoever waited longer at the gate is looked up again. */
const CALLER_MS = 50;
/** Paths that are never refused: whoever asks there decides whether this instance gets requests at all. */
const HEALTH = '/health/';
/** Other paths that exist: each has its own cost. */
const PATHS: ReadonlySet<string> = new Set(['/', '/metrics', '/.well-known/jwks.json']);

/** Bytes of a body that may be a sign-out: it is looked at also when the request is refused whatever it asks for. */
const MAX_SIGN_OUT_BYTES = 4 * 1024;

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

@Injectable()
export class HttpAdmission {
  constructor(
    private readonly gate: Gate,
    private readonly contexts: ContextFactory,
    private readonly pipeline: OperationPipeline,
    private readonly load: HttpLoad,
    private readonly refusals: HttpRefusals,
  ) {}

  /** Stands in front of the one handler that `server` has, so that a refusal costs as little as it can. */
  guard(server: Server): void {
    this.load.connections.attach(server);
    const [inner] = server.listeners('request') as Handler[];
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      const network = ownerOf(this.contexts.clientOf(request).address);
      if (!this.load.connections.began(request, response, network.key)) return;
      const free = request.url?.startsWith(HEALTH) || request.method === 'OPTIONS';
      const refusal = free ? undefined : this.early(request, response, network);
      if (refusal) void this.refuseUnread(request, response, refusal);
      else inner?.(request, response);
    });
  }

  /** For the endpoint, with the body as bytes in `request.body`: goes on with what is in it. */
  readonly operation: RequestHandler = async (request, response, next) => {
    const body: unknown = request.body;
    const bytes = Buffer.isBuffer(body) ? body.length : (request.url?.length ?? 0);
    try {
      if (Buffer.isBuffer(body) && bytes <= LARGE_BODY_BYTES) request.body = parseBody(body);
      const work = await this.workOf(request, response, bytes);
      await this.admit(request, response, work);
      // What is large is parsed when it is its turn.
      if (Buffer.isBuffer(request.body)) request.body = parseBody(request.body);
      work.document ??= documentOf(request);
      next();
    } catch (error) {
      this.failed(request, response, next, error);
    }
  };

  /** For all other paths. */
  readonly page: RequestHandler = async (request, response, next) => {
    try {
      if (!request.path.startsWith(HEALTH) && request.path !== ENDPOINT) {
        const network = ownerOf(this.contexts.clientOf(request).address);
        const document = PATHS.has(request.path) ? request.path : 'another path';
        await this.gate.admit({ network, document, isKnown: () => true, bytes: 0, wanted: () => !response.destroyed });
      }
      next();
    } catch (error) {
      this.failed(request, response, next, error);
    }
  };

  /** Why the request is refused before its body is read. */
  private early(request: IncomingMessage, response: ServerResponse, network: Owner): ServiceError | undefined {
    const { authorization, cookie } = request.headers;
    if (authorization === undefined && cookie === undefined) {
      const refused = this.gate.refusalOf(network) ?? this.load.unread(network.key, false);
      if (refused) return refused;
    }
    return this.load.hold(request, response, network);
  }

  private async workOf(request: Request, response: Response, bytes: number): Promise<Work> {
    const { principal } = await this.contexts.callerOf(request, response);
    const network = ownerOf(this.contexts.clientOf(request).address);
    const accountId = principal?.accountId;
    if (accountId !== undefined) this.load.connections.belongsTo(request, accountId);
    const document = documentOf(request);
    const signsOut = accountId !== undefined && signOutIn(document) === 'alone';
    const unread = this.load.unread(signsOut ? undefined : (accountId ?? network.key), accountId !== undefined);
    if (unread) throw unread;
    const isKnown = () => document !== undefined && this.pipeline.knows(document);
    return { network, accountId, document, isKnown, bytes, signsOut, wanted: () => !response.destroyed };
  }

  private async admit(request: IncomingMessage, response: ServerResponse, work: Work): Promise<void> {
    const since = performance.now();
    await this.gate.admit(work);
    if (work.accountId === undefined || performance.now() - since < CALLER_MS) return;
    this.contexts.forgetCaller(request);
    await this.contexts.callerOf(request, response);
  }

  private failed(request: Request, response: Response, next: (error: unknown) => void, error: unknown): void {
    if (error instanceof RateLimitedError || error instanceof ServiceUnavailableError) {
      void this.refuse(request, response, error);
    } else next(error);
  }

  /** Before the body is read: what has come of it by the time of the answer tells whether it is a sign-out. */
  private async refuseUnread(request: IncomingMessage, response: ServerResponse, error: ServiceError): Promise<void> {
    const { cookie, 'content-length': length } = request.headers;
    if (cookie !== undefined && request.method === 'POST' && Number(length) <= MAX_SIGN_OUT_BYTES) {
      void smallBody(request).then((query) => this.clearFor(query, request, response));
    }
    await this.refusals.refuse(request, response, error);
  }

  /** A sign-out takes the cookies away even so, if a page of ours sent it. */
  private async clearFor(
    document: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (!signOutIn(document)) return;
    const { cookies, inDoubt } = await this.contexts.callerOf(request, response);
    if (!cookies?.refusal && !inDoubt && !response.headersSent) cookies?.clear();
  }

  private async refuse(request: Request, response: Response, error: ServiceError): Promise<void> {
    await this.clearFor(documentOf(request), request, response);
    await this.refusals.refuse(request, response, error);
  }
}

/** The document in a body that is small, once it has come as a whole. */
async function smallBody(request: IncomingMessage): Promise<string | undefined> {
  try {
    return queryIn(parseBody(Buffer.concat(await request.toArray())));
  } catch {
    // It has not come, or is no JSON: no sign-out.
    return undefined;
  }
}
