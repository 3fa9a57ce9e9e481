// The one mapper from whatever was thrown to what a client sees, used by HTTP and WebSocket alike.
// Deliberate errors pass; everything else is masked and handed to `report` under an errorId.
import { randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { type FieldProblem, ServiceError, ServiceUnavailableError } from './service-error.js';

/** Receives what the client does not: the error itself, under the id that the client was told. */
export type ReportError = (error: unknown, errorId: string) => void;

/** Recognises errors of a backend that is away, so that they can be told apart from faults of ours. */
export type IsUnavailable = (error: unknown) => boolean;

const PASSED_THROUGH = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'QUERY_TOO_COMPLEX',
  'BAD_USER_INPUT',
]);

/** graphql-js words of a variable that could not be coerced: `Variable "$input" got invalid value 1 at "input.title"; …`. */
const INVALID_VARIABLE = /^Variable "\$(\w+)"(?: got invalid value .*? at "([^"]+)")?/s;

/** Where a bad variable is and what is wrong, without repeating the value. */
function variableProblem(message: string): FieldProblem | undefined {
  const match = INVALID_VARIABLE.exec(message);
  if (!match) return undefined;
  const reason = /;\s*(.*)$/s.exec(message)?.[1] ?? message.replace(/^Variable "\$\w+" /, '');
  return { path: match[2] ?? match[1] ?? '', message: reason.slice(0, 200) };
}

export class ErrorMapper {
  constructor(
    private readonly report: ReportError,
    private readonly isUnavailable: IsUnavailable,
  ) {}

  /** The client's view of `error`: message, path, locations and `extensions.code` of the catalogue, nothing else. */
  map(error: GraphQLError): GraphQLFormattedError {
    const deliberate = deliberateError(error);
    const place = {
      ...(error.locations ? { locations: error.locations } : {}),
      ...(error.path ? { path: error.path } : {}),
    };
    if (deliberate) return { message: deliberate.message, ...place, extensions: { ...deliberate.extensions } };
    if (this.isUnavailable(error.originalError ?? error)) {
      const unavailable = new ServiceUnavailableError();
      return { message: unavailable.message, ...place, extensions: { ...unavailable.extensions } };
    }
    const problem = error.originalError ? undefined : requestProblem(error);
    if (problem) return { ...problem, ...place };
    const errorId = randomUUID();
    this.report(error.originalError ?? error, errorId);
    return {
      message: 'Something went wrong on our side.',
      ...place,
      extensions: { code: 'INTERNAL_SERVER_ERROR', errorId },
    };
  }
}

/** The ServiceError behind a located error, however often it was wrapped. */
function deliberateError(error: unknown): ServiceError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    if (at instanceof ServiceError) return at;
    at = at instanceof GraphQLError ? at.originalError : at.cause;
  }
  return undefined;
}

/** Errors that graphql-js and Apollo raise before anything of ours ran: their text speaks of the document alone. */
function requestProblem(error: GraphQLError): Pick<GraphQLFormattedError, 'message' | 'extensions'> | undefined {
  const code = error.extensions['code'];
  const variable = error.path ? undefined : variableProblem(error.message);
  if (variable && (code === undefined || code === 'BAD_USER_INPUT')) {
    return {
      message: `${variable.path}: ${variable.message}`,
      extensions: { code: 'BAD_USER_INPUT', fields: [variable] },
    };
  }
  if (code === 'BAD_REQUEST') return { message: error.message, extensions: { code: 'BAD_USER_INPUT', fields: [] } };
  if (typeof code === 'string' && PASSED_THROUGH.has(code)) return { message: error.message, extensions: { code } };
  return undefined;
}
