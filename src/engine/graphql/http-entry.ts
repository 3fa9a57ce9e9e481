// What stands before GraphQL over HTTP: the size and form of a body, which origins may read replies, and errors in GraphQL's form.
import type { NestExpressApplication } from '@nestjs/platform-express';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import type { Config } from '../config/config.js';

/** Largest request body, in bytes. */
const MAX_BODY_BYTES = 256 * 1024;

export function useHttpEntry(app: NestExpressApplication, config: Config): void {
  app.disable('x-powered-by');
  app.enableCors({ origin: [...config.allowedOrigins], credentials: true, maxAge: 600 });
  app.use('/graphql', toLanding, express.json({ limit: MAX_BODY_BYTES }), refuseBody);
}

/** A browser that opens the endpoint is shown the way; a client that asks for JSON, or sends a query, is not. */
const toLanding: RequestHandler = (request, response, next) => {
  const page = request.method === 'GET' && request.query['query'] === undefined;
  if (page && request.accepts(['application/json', 'application/graphql-response+json', 'text/html']) === 'text/html') {
    response.redirect(303, '/');
  } else next();
};

/** Bodies that cannot be read are answered like every other error, without repeating what was sent. */
const refuseBody: ErrorRequestHandler = (error: { status?: number; type?: string }, _request, response, _next) => {
  const status = error.status ?? 400;
  const message = MESSAGES[error.type ?? ''] ?? 'The request body cannot be read.';
  response.status(status).json({ errors: [{ message, extensions: { code: 'BAD_USER_INPUT', fields: [] } }] });
};

const MESSAGES: Readonly<Record<string, string>> = {
  'entity.parse.failed': 'The request body is not JSON.',
  'entity.too.large': `The request body is larger than ${MAX_BODY_BYTES / 1024} KiB.`,
  'charset.unsupported': 'The request body must be UTF-8.',
  'encoding.unsupported': 'The request body must be sent as it is, or as gzip, deflate or br.',
};
