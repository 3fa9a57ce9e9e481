// Admits requests before Express and Apollo work on them: bounds of connections and bytes, then the gate.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { Request, RequestHandler, Response } from 'express';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { RateLimitedError, type ServiceError, ServiceUnavailableError } from '../../errors/service-error.js';
import { type Owner, ownerOf } from '../../limits/client-network.js';
import { Gate, type Work } from '../../limits/gate.js';
import { ContextFactory } from './context-factory.js';
import { opensPage } from './endpoint.js';
import { OperationPipeline } from '../operations/operation-pipeline.js';
import { signOutIn } from '../operations/sign-out.js';
import { LARGE_BODY_BYTES, documentOf, parseBody, queryIn } from './body.js';
import { RequestMemory } from './request-memory.js';
import { HttpRefusals } from './http-refusals.js';
import { securityHeaders } from './security-headers.js';

/** ms for which a looked-up caller is valid: after a longer wait at the gate the caller is looked up again. */
const CALLER_MS = 50;
/** Paths that are never refused: load balancers decide by them whether this instance gets requests at all. */
const HEALTH = '/health/';
/** Other paths of the engine that are no pages: each has its own cost. */
const PATHS = ['/metrics', '/.well-known/jwks.json'];

/** Bytes of a body that may be a sign-out: it is read even if the request is refused. */
const MAX_SIGN_OUT_BYTES = 4 * 1024;

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

@Injectable()
export class HttpAdmission {
  private readonly paths: ReadonlySet<string>;

  constructor(
    private readonly gate: Gate,
    private readonly contexts: ContextFactory,
    private readonly pipeline: OperationPipeline,
    private readonly load: RequestMemory,
    private readonly refusals: HttpRefusals,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.paths = new Set([...PATHS, ...config.service.dataPaths]);
  }

  /** Stands in front of the one handler that `server` has, so that a refusal costs as little as it can. */
  guard(server: Server): void {
    this.load.connections.attach(server);
    const [inner] = server.listeners('request') as Handler[];
    server.removeAllListeners('request');
    const secure = securityHeaders(this.config);
    server.on('request', (request, response) => {
      secure(request, response);
      const network = ownerOf(this.contexts.clientOf(request).address);
      if (!this.load.connections.began(request, response, network.key)) return;
      const free = request.url?.startsWith(HEALTH) || request.method === 'OPTIONS';
      const refusal = free ? undefined : this.early(request, response, network);
      if (refusal) void this.refuseUnread(request, response, refusal);
      else inner?.(request, response);
    });
  }

  /** For the endpoint, with the body as bytes in `request.body`: continues with the parsed body. */
  readonly operation: RequestHandler = async (request, response, next) => {
    const body: unknown = request.body;
    const bytes = Buffer.isBuffer(body) ? body.length : (request.url?.length ?? 0);
    try {
      if (Buffer.isBuffer(body) && bytes <= LARGE_BODY_BYTES) request.body = parseBody(body);
      const work = await this.workOf(request, response, bytes);
      await this.admit(request, response, work);
      // A large body is parsed once the gate admits it.
      if (Buffer.isBuffer(request.body)) request.body = parseBody(request.body);
      work.document ??= documentOf(request);
      next();
    } catch (error) {
      this.failed(request, response, next, error);
    }
  };

  /** For all other paths, and for the page at the endpoint. */
  readonly page: RequestHandler = async (request, response, next) => {
    try {
      const { endpoint } = this.config.service;
      if (!request.path.startsWith(HEALTH) && (request.path !== endpoint || opensPage(request))) {
        const network = ownerOf(this.contexts.clientOf(request).address);
        const isPage = !this.paths.has(request.path);
        const document = isPage ? 'a page' : request.path;
        const wanted = () => !response.destroyed;
        await this.gate.admit({ network, document, isPage, isKnown: () => true, bytes: 0, wanted });
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
      const refused = this.gate.refusalOf(network) ?? this.load.unreadRefusal(network.key, false);
      if (refused) return refused;
    }
    return this.load.holdBody(request, response, network);
  }

  private async workOf(request: Request, response: Response, bytes: number): Promise<Work> {
    const { principal } = await this.contexts.callerOf(request, response);
    const network = ownerOf(this.contexts.clientOf(request).address);
    const accountId = principal?.accountId;
    if (accountId !== undefined) this.load.connections.belongsTo(request, accountId);
    const document = documentOf(request);
    const signsOut = accountId !== undefined && signOutIn(document) === 'alone';
    const unread = this.load.unreadRefusal(signsOut ? undefined : (accountId ?? network.key), accountId !== undefined);
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

  /** Refuses without reading the body. A small body that arrives before the answer may be a sign-out, which clears its cookies. */
  private async refuseUnread(request: IncomingMessage, response: ServerResponse, error: ServiceError): Promise<void> {
    const { cookie, 'content-length': length } = request.headers;
    if (cookie !== undefined && request.method === 'POST' && Number(length) <= MAX_SIGN_OUT_BYTES) {
      void smallBody(request).then((query) => this.clearFor(query, request, response));
    }
    await this.refusals.refuse(request, response, error);
  }

  /** A refused sign-out clears the cookies too, if a page of an allowed origin sent it. */
  private async clearFor(
    document: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (!signOutIn(document)) return;
    const { cookies, cookiesUnverified } = await this.contexts.callerOf(request, response);
    if (!cookies?.refusal && !cookiesUnverified && !response.headersSent) cookies?.clear();
  }

  private async refuse(request: Request, response: Response, error: ServiceError): Promise<void> {
    await this.clearFor(documentOf(request), request, response);
    await this.refusals.refuse(request, response, error);
  }
}

/** The document in a small body, once all of it has arrived. */
async function smallBody(request: IncomingMessage): Promise<string | undefined> {
  try {
    return queryIn(parseBody(Buffer.concat(await request.toArray())));
  } catch {
    // The body is incomplete or no JSON: no sign-out.
    return undefined;
  }
}
