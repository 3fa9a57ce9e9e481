// Parameters that were sent empty count as absent, as GraphQL over HTTP says: null, in a URL also nothing, and an empty operationName.
// https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters
import type { Request, RequestHandler } from 'express';

const OPTIONAL = ['operationName', 'variables', 'extensions'] as const;

/** Runs after the middleware that parses the body. */
export const withoutEmptyParameters: RequestHandler = (request, _response, next) => {
  if (request.method === 'GET') request.url = withoutEmpty(request.url);
  else withoutNull(request);
  next();
};

function withoutNull({ body }: Request): void {
  const parameters = body as Record<string, unknown> | undefined;
  if (typeof parameters !== 'object') return;
  for (const name of OPTIONAL) if (parameters[name] === null) delete parameters[name];
  if (parameters['operationName'] === '') delete parameters['operationName'];
}

/** `null` is a value in the parameters that are JSON, and a name in the others. A parameter that was sent twice stays, to be refused. */
function withoutEmpty(url: string): string {
  const at = url.indexOf('?');
  if (at < 0) return url;
  const parameters = new URLSearchParams(url.slice(at));
  for (const name of ['query', ...OPTIONAL]) {
    const [value, ...others] = parameters.getAll(name);
    const isNull = value?.trim() === 'null' && (name === 'variables' || name === 'extensions');
    if (others.length === 0 && (value?.trim() === '' || isNull)) parameters.delete(name);
  }
  return `${url.slice(0, at)}?${parameters.toString()}`;
}
