// The one mapper from whatever was thrown to what a client sees, used by HTTP and WebSocket alike.
// Deliberate errors pass; everything else is masked and handed to `report` under an errorId.
import { randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { BadUserInputError, ServiceError, ServiceUnavailableError } from './service-error.js';

/** Receives what the client does not: the error itself, under the id that the client was told. */
export type ReportError = (error: unknown, errorId: string) => void;

/** Recognises errors of a backend that is away, so that they can be told apart from faults of ours. */
export type IsUnavailable = (error: unknown) => boolean;

/** Raised by graphql-js, Apollo or checks of ours about the document alone: the text can be shown. */
const ABOUT_THE_DOCUMENT: ReadonlySet<unknown> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
]);
/** Apollo's words for a request that is none of GraphQL. */
const ABOUT_THE_REQUEST: ReadonlySet<unknown> = new Set(['BAD_REQUEST', 'PERSISTED_QUERY_NOT_SUPPORTED']);

/** graphql-js on an argument whose variable turned out to be null only when the field was reached. */
const BAD_ARGUMENT = /^Argument "(\w+)" of (?:non-null|required) type /;

export class ErrorMapper {
  constructor(
    private readonly report: ReportError,
    private readonly isUnavailable: IsUnavailable,
  ) {}

  /** The client's view of `error`: message, path, locations and `extensions.code` of the catalogue, nothing else. */
  map(error: unknown): GraphQLFormattedError {
    const { locations, path } = error instanceof GraphQLError ? error : {};
    return { ...this.meaning(error), ...(locations ? { locations } : {}), ...(path ? { path } : {}) };
  }

  private meaning(error: unknown): Pick<GraphQLFormattedError, 'message' | 'extensions'> {
    const cause = causeOf(error);
    if (cause instanceof ServiceError) return shown(cause);
    if (this.isUnavailable(cause)) return shown(new ServiceUnavailableError());
    const problem = requestProblem(error, cause);
    if (problem) return problem;
    const errorId = randomUUID();
    this.report(cause, errorId);
    return { message: 'Something went wrong on our side.', extensions: { code: 'INTERNAL_SERVER_ERROR', errorId } };
  }
}

function shown({ message, extensions }: ServiceError): Pick<GraphQLFormattedError, 'message' | 'extensions'> {
  return { message, extensions: { ...extensions } };
}

/** What was thrown, however often graphql-js and Apollo wrapped it; a ServiceError also as the `cause` of another error. */
function causeOf(error: unknown): unknown {
  let inner = error;
  while (inner instanceof GraphQLError && !(inner instanceof ServiceError) && inner.originalError)
    inner = inner.originalError;
  // graphql-js wraps what is no Error in one of its own.
  if (inner instanceof Error && 'thrownValue' in inner) inner = inner.thrownValue;
  for (let at = inner, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (at instanceof ServiceError) return at;
  }
  return inner;
}

/** Errors that graphql-js and Apollo raise before anything of ours ran. */
function requestProblem(
  error: unknown,
  cause: unknown,
): Pick<GraphQLFormattedError, 'message' | 'extensions'> | undefined {
  if (!(error instanceof GraphQLError) || !(cause instanceof GraphQLError)) return undefined;
  const argument = BAD_ARGUMENT.exec(cause.message)?.[1];
  if (argument) return shown(new BadUserInputError([{ path: argument, message: 'must not be null' }]));
  if (error.path) return undefined;
  const { code } = error.extensions;
  if (ABOUT_THE_REQUEST.has(code)) return shown(new BadUserInputError([], error.message.trim()));
  return ABOUT_THE_DOCUMENT.has(code) ? { message: error.message, extensions: { code } } : undefined;
}
