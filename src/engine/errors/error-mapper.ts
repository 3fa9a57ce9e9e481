// Maps thrown errors to what a client sees, over HTTP and WebSocket. Deliberate errors pass; all others are masked and passed to
// `report` under an errorId.
import { randomUUID } from 'node:crypto';
import { BREAK, GraphQLError, type GraphQLFormattedError, Kind, visit } from 'graphql';
import { BadUserInputError, ServiceError, ServiceUnavailableError } from './service-error.js';

/** Receives the masked error with the id that the client got. */
export type ReportError = (error: unknown, errorId: string) => void;

/** Recognizes errors of an unavailable backend, as opposed to bugs. */
export type IsUnavailable = (error: unknown) => boolean;

/** Raised by graphql-js, Apollo or our checks about the document only: the text can be shown. */
const ABOUT_THE_DOCUMENT: ReadonlySet<unknown> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
]);
/** Apollo's messages for requests that are not GraphQL. */
const ABOUT_THE_REQUEST: ReadonlySet<unknown> = new Set(['BAD_REQUEST', 'PERSISTED_QUERY_NOT_SUPPORTED']);

const VALUES: ReadonlySet<Kind> = new Set([
  Kind.VARIABLE,
  Kind.LIST,
  Kind.OBJECT,
  Kind.NULL,
  Kind.INT,
  Kind.FLOAT,
  Kind.STRING,
  Kind.BOOLEAN,
  Kind.ENUM,
]);
/** Upper limit of variables named for one argument. */
const MAX_VARIABLES = 10;

/** ms in which equal errors share an id and one report, and the number of different ones reported in that time. */
const WINDOW_MS = 1_000;
const MAX_REPORTS = 20;

export class ErrorMapper {
  /** The ids of reported errors: one result may be sent to thousands of subscribers. */
  private readonly ids = new WeakMap<object, string>();
  /** Ids by the text of the error, in the window that began at `since`. */
  private readonly recent = new Map<string, string>();
  private since = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly report: ReportError,
    private readonly isUnavailable: IsUnavailable,
    private readonly now = () => performance.now(),
    /** Called with the code of each error that a client receives. */
    private readonly onCode: (code: string) => void = () => {},
  ) {}

  /** The client's view of `error`: message, path, locations and `extensions.code`, nothing else. */
  map(error: unknown): GraphQLFormattedError {
    const { locations, path } = error instanceof GraphQLError ? error : {};
    const meaning = this.meaning(error);
    this.onCode(String(meaning.extensions?.['code']));
    return { ...meaning, ...(locations ? { locations } : {}), ...(path ? { path } : {}) };
  }

  private meaning(error: unknown): Pick<GraphQLFormattedError, 'message' | 'extensions'> {
    const cause = causeOf(error);
    if (cause instanceof ServiceError) return shown(cause);
    if (this.isUnavailable(cause)) return shown(new ServiceUnavailableError());
    const problem = requestProblem(error, cause);
    if (problem) return problem;
    const errorId = this.idOf(cause);
    return { message: 'Something went wrong on our side.', extensions: { code: 'INTERNAL_SERVER_ERROR', errorId } };
  }

  /** The id under which `cause` was reported. Repeated errors are reported once a second, under one id. */
  private idOf(cause: unknown): string {
    const known = isObject(cause) ? this.ids.get(cause) : undefined;
    if (known) return known;
    const errorId = this.recentId(cause);
    if (isObject(cause)) this.ids.set(cause, errorId);
    return errorId;
  }

  private recentId(cause: unknown): string {
    const now = this.now();
    if (now - this.since > WINDOW_MS) {
      this.since = now;
      this.recent.clear();
    }
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    const isFull = this.recent.size >= MAX_REPORTS;
    const known = this.recent.get(text) ?? (isFull ? this.recent.get(OTHERS) : undefined);
    if (known) return known;
    const errorId = randomUUID();
    this.recent.set(isFull ? OTHERS : text, errorId);
    const others = `More than ${MAX_REPORTS} different errors in a second: this stands for all others`;
    this.report(isFull ? new Error(others, { cause }) : cause, errorId);
    return errorId;
  }
}

/** Stands for all errors that are not reported individually. */
const OTHERS = '\0';

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function shown({ message, extensions }: ServiceError): Pick<GraphQLFormattedError, 'message' | 'extensions'> {
  return { message, extensions: { ...extensions } };
}

/** The original error inside wrappers of graphql-js and Apollo; also a ServiceError in the `cause` of another error. */
function causeOf(error: unknown): unknown {
  let inner = error;
  while (inner instanceof GraphQLError && !(inner instanceof ServiceError) && inner.originalError)
    inner = inner.originalError;
  // graphql-js wraps thrown values that are not errors.
  if (inner instanceof Error && 'thrownValue' in inner) inner = inner.thrownValue;
  for (let at = inner, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (at instanceof ServiceError) return at;
  }
  return inner;
}

/**
 * Whether graphql-js could not read an argument at execution: a variable is null where only its default value made that valid. All other
 * errors of an execution are located at a field, and errors about documents have a code.
 */
export function isAboutArgument({ nodes: [node] = [], extensions }: GraphQLError): boolean {
  return node !== undefined && VALUES.has(node.kind) && extensions['code'] === undefined;
}

function nullVariables({ nodes: [node] = [] }: GraphQLError): BadUserInputError {
  const names = new Set<string>();
  if (node) {
    visit(node, {
      Variable: ({ name }) => (names.size < MAX_VARIABLES ? void names.add(name.value) : BREAK),
    });
  }
  return new BadUserInputError([...names].map((path) => ({ path, message: 'must not be null' })));
}

/** Errors that graphql-js and Apollo raise before our code runs. */
function requestProblem(
  error: unknown,
  cause: unknown,
): Pick<GraphQLFormattedError, 'message' | 'extensions'> | undefined {
  if (!(error instanceof GraphQLError) || !(cause instanceof GraphQLError)) return undefined;
  if (isAboutArgument(cause)) return shown(nullVariables(cause));
  if (error.path) return undefined;
  const { code } = error.extensions;
  if (ABOUT_THE_REQUEST.has(code)) return shown(new BadUserInputError([], error.message.trim()));
  return ABOUT_THE_DOCUMENT.has(code) ? { message: error.message, extensions: { code } } : undefined;
}
