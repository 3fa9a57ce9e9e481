// Middleware before GraphQL over HTTP: the size and form of a body, which origins may read replies, and errors in GraphQL's form.
import { HttpException, NotFoundException } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Config } from '../../config/config.js';
import { ErrorMapper } from '../../errors/error-mapper.js';
import { BadUserInputError } from '../../errors/service-error.js';
import { TOO_LARGE } from '../../limits/message-size.js';
import { endpointReader, opensPage } from './endpoint.js';
import { HttpAdmission } from './admission.js';
import { withoutEmptyParameters } from './parameters.js';
import { readBody } from './read-body.js';
import { EXPOSED_HEADERS } from './http-refusals.js';

/** ms in which a whole request, and its headers, must arrive: an endless body is cut. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 15_000;
/** ms that an idle connection is kept, longer than proxies keep theirs (60 s): a request on a connection that is just being closed would be lost. */
const IDLE_MS = 65_000;

/** The page for a browser that opens the endpoint, and the files that the page needs; without one the browser is redirected to `/`. */
export interface EndpointPage {
  readonly document: RequestHandler;
  readonly files: RequestHandler;
}

export function useHttpEntry(app: NestExpressApplication, config: Config, page: EndpointPage | undefined): void {
  app.disable('x-powered-by');
  // Replies of the endpoint are not kept, so a hash of each is work for nothing. Pages and files bring their own.
  app.set('etag', () => undefined);
  app.enableCors({
    origin: [...config.allowedOrigins],
    credentials: true,
    maxAge: 600,
    exposedHeaders: EXPOSED_HEADERS,
  });
  const admission = app.get(HttpAdmission);
  const { endpoint } = config.service;
  app.use(canonical(endpoint), admission.page);
  const refuse = refuseBody(app.get(ErrorMapper));
  if (page) app.use(endpoint, page.files);
  app.use(
    endpoint,
    exactly(endpoint),
    toPage(page?.document ?? toLanding),
    inUtf8,
    readBody,
    admission.operation,
    withoutEmptyParameters,
    refuse,
  );
  const server = app.getHttpServer();
  admission.guard(server);
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = IDLE_MS;
}

/** Every spelling of the endpoint is one address from here on, also for later middleware. */
function canonical(endpoint: string): RequestHandler {
  const endpointOf = endpointReader(endpoint);
  return (request, _response, next) => {
    request.url = endpointOf(request.url) ?? request.url;
    next();
  };
}

/** The endpoint is one address, as it is for sockets: paths below it do not exist. */
const exactly =
  (endpoint: string): RequestHandler =>
  ({ path }, _response, next) =>
    path === '/' ? next() : next(new NotFoundException(`The endpoint is ${endpoint}.`));

/** JSON is UTF-8 (RFC 8259, section 8.1). */
const inUtf8: RequestHandler = ({ headers }, _response, next) => {
  const parameters = (headers['content-type'] ?? '').toLowerCase().split(';').slice(1);
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('charset='));
  if (charset === undefined || UTF8.has(charset)) next();
  else next(Object.assign(new Error('Not UTF-8'), { status: 415, type: 'charset.unsupported' }));
};

const UTF8: ReadonlySet<string> = new Set(['charset=utf-8', 'charset="utf-8"', 'charset=utf8']);

/** A browser that opens the endpoint gets a page; a client that prefers JSON, or sends a query, does not. */
const toPage =
  (page: RequestHandler): RequestHandler =>
  (request, response, next) => {
    if (!opensPage(request)) return next();
    response.vary('accept');
    return page(request, response, next);
  };

const toLanding: RequestHandler = (_request, response) => response.redirect(303, '/');

/** Bodies that cannot be read are answered like every other error, without repeating what was sent. */
function refuseBody(errors: ErrorMapper): ErrorRequestHandler {
  return (error: { status?: number; type?: string }, request, response, next) => {
    if (error instanceof HttpException) return next(error);
    // Does not wait for the rest of the body.
    if (!request.complete) response.set('connection', 'close');
    const message = MESSAGES[error.type ?? ''] ?? 'The request body cannot be read.';
    response.status(error.status ?? 400).json({ errors: [errors.map(new BadUserInputError([], message))] });
  };
}

const MESSAGES: Readonly<Record<string, string>> = {
  'entity.parse.failed': 'The request body is not JSON.',
  'entity.too.large': TOO_LARGE,
  'charset.unsupported': 'The request body must be UTF-8.',
  'encoding.unsupported': 'The request body must be sent as it is, or as gzip, deflate or br.',
};
