// Errors of a document, in messages that repeat no value, with a bounded number of errors and locations.
import {
  type ASTNode,
  getNamedType,
  GraphQLError,
  isInputObjectType,
  Kind,
  type SourceLocation,
  type ValidationContext,
  type ValidationRule,
  ValuesOfCorrectTypeRule,
} from 'graphql';
import { readableSyntaxError } from '../../errors/library-messages.js';
import { ServiceError } from '../../errors/service-error.js';

/** Errors about one document, and places of one error, that a client receives. */
export const MAX_DOCUMENT_ERRORS = 5;
const MAX_LOCATIONS = 10;
/** Characters of one message: names that the client made up may be in it, and are as long as it likes. */
const MAX_MESSAGE = 300;

type DocumentErrorCode = 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED';

/**
 * `error` of graphql-js with `code`, without the nodes and the text that it was found in, so that it can be cached. A root cause that
 * is no GraphQLError comes from the JavaScript engine: the stack overflowed. A ServiceError is returned unchanged.
 */
export function documentError(error: unknown, code: DocumentErrorCode): GraphQLError {
  if (error instanceof ServiceError) return error;
  const cause = rootOf(error);
  if (!(cause instanceof GraphQLError)) return about(code, 'The document cannot be read: it may be nested too deeply.');
  const { locations } = error as GraphQLError;
  if (code === 'GRAPHQL_VALIDATION_FAILED') return about(code, cause.message.slice(0, MAX_MESSAGE), locations);
  const readable = readableSyntaxError(cause.message);
  return about(code, readable ?? 'Syntax Error: The document cannot be read from here on.', locations);
}

function about(code: DocumentErrorCode, message: string, locations?: readonly SourceLocation[]): GraphQLError {
  const error = new GraphQLError(message, { extensions: { code } });
  Object.defineProperty(error, 'stack', { value: message });
  const value = locations?.slice(0, MAX_LOCATIONS);
  return value ? Object.defineProperty(error, 'locations', { value, enumerable: true }) : error;
}

function rootOf(error: unknown): unknown {
  let inner = error;
  while (inner instanceof GraphQLError && inner.originalError) inner = inner.originalError;
  return inner;
}

/** The rule of graphql-js about literals, which repeats them: here an error names the type alone. */
export const literalsRule: ValidationRule = (context) => {
  const named: ValidationContext = Object.create(context, {
    reportError: { value: (error: GraphQLError) => context.reportError(withoutLiteral(error, context)) },
  });
  return ValuesOfCorrectTypeRule(named);
};

function withoutLiteral(error: GraphQLError, context: ValidationContext): GraphQLError {
  const node = error.nodes?.[0];
  const type = context.getInputType();
  if (node && isAboutField(node, type)) return error;
  return new GraphQLError(`Expected a value of ${type ? `type "${String(type)}"` : 'another type'}.`, { nodes: node });
}

/** Whether a field of an input object is missing or not known: the error has its name, and no value. */
function isAboutField(node: ASTNode, type: ReturnType<ValidationContext['getInputType']>): boolean {
  return node.kind === Kind.OBJECT_FIELD || (node.kind === Kind.OBJECT && isInputObjectType(getNamedType(type)));
}
