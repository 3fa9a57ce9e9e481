// What stands before GraphQL over HTTP: the size and form of a body, which origins may read replies, and errors in GraphQL's form.
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Config } from '../config/config.js';
import { ErrorMapper } from '../errors/error-mapper.js';
import { BadUserInputError } from '../errors/service-error.js';
import { TOO_LARGE } from '../limits/message-size.js';
import { ENDPOINT, endpointOf } from './endpoint.js';
import { HttpAdmission } from './http/admission.js';
import { withoutEmptyParameters } from './http/parameters.js';
import { readBody } from './http/read-body.js';
import { EXPOSED_HEADERS } from './http/refusals.js';

/** ms in which a request must have come as a whole, and its headers: a body without end is not waited for. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 15_000;
/** ms that an idle connection is kept, longer than proxies keep theirs (60 s): what they send on one that is just closed is lost. */
const IDLE_MS = 65_000;

export function useHttpEntry(app: NestExpressApplication, config: Config): void {
  app.disable('x-powered-by');
  app.enableCors({
    origin: [...config.allowedOrigins],
    credentials: true,
    maxAge: 600,
    exposedHeaders: EXPOSED_HEADERS,
  });
  const admission = app.get(HttpAdmission);
  app.use(canonical, admission.page);
  const refuse = refuseBody(app.get(ErrorMapper));
  app.use(ENDPOINT, exactly, toLanding, inUtf8, readBody, admission.operation, withoutEmptyParameters, refuse);
  const server = app.getHttpServer();
  admission.guard(server);
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = IDLE_MS;
}

/** Every spelling of the endpoint is one address from here on, also for what stands behind. */
const canonical: RequestHandler = (request, _response, next) => {
  request.url = endpointOf(request.url) ?? request.url;
  next();
};

/** The endpoint is one address, as it is for sockets: what is below it is not there. */
const exactly: RequestHandler = ({ path }, response, next) => {
  if (path === '/') next();
  else response.status(404).json({ statusCode: 404, error: 'Not Found', message: 'The endpoint is /graphql.' });
};

/** JSON is UTF-8 (RFC 8259, section 8.1). */
const inUtf8: RequestHandler = ({ headers }, _response, next) => {
  const parameters = (headers['content-type'] ?? '').toLowerCase().split(';').slice(1);
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('charset='));
  if (charset === undefined || UTF8.has(charset)) next();
  else next(Object.assign(new Error('Not UTF-8'), { status: 415, type: 'charset.unsupported' }));
};

const UTF8: ReadonlySet<string> = new Set(['charset=utf-8', 'charset="utf-8"', 'charset=utf8']);

/** A browser that opens the endpoint is shown the way; a client that asks for JSON, or sends a query, is not. */
const toLanding: RequestHandler = (request, response, next) => {
  const page = request.method === 'GET' && request.query['query'] === undefined;
  if (page && request.accepts(['application/json', 'application/graphql-response+json', 'text/html']) === 'text/html') {
    response.redirect(303, '/');
  } else next();
};

/** Bodies that cannot be read are answered like every other error, without repeating what was sent. */
function refuseBody(errors: ErrorMapper): ErrorRequestHandler {
  return (error: { status?: number; type?: string }, request, response, _next) => {
    // What is still to come of it is not waited for.
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
