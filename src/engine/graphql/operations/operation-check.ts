// Whether an operation may run: one place for HTTP and socket alike, so that both refuse the same things in the same words.
import {
  type DocumentNode,
  getOperationAST,
  GraphQLError,
  type GraphQLSchema,
  isExecutableDefinitionNode,
  type OperationDefinitionNode,
  specifiedRules,
  validate,
  ValuesOfCorrectTypeRule,
} from 'graphql';
import { BadUserInputError } from '../../errors/service-error.js';
import { knownCost, rememberCost } from './constant-cost.js';
import { documentError, literalsRule, MAX_DOCUMENT_ERRORS } from './document-error.js';
import { assertAffordable, subscriptionRootProblem, VALIDATION_RULES } from './document-limits.js';
import { variableProblems } from '../input-problems.js';

/** What a client asked to run, parsed. */
export interface ParsedRequest {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** What may run. */
export interface CheckedOperation {
  readonly operation: OperationDefinitionNode;
  /** In fields, see operation-cost.ts. */
  readonly cost: number;
}

const RULES = [
  ...specifiedRules.map((rule) => (rule === ValuesOfCorrectTypeRule ? literalsRule : rule)),
  ...VALIDATION_RULES,
];
/** Verdicts on documents that are kept somewhere: there is one schema, so they hold as long as the document. */
const verdicts = new WeakMap<DocumentNode, readonly GraphQLError[]>();

/** The operation to run, or every reason why not. Never throws. */
export function checkOperation(
  schema: GraphQLSchema,
  request: ParsedRequest,
): CheckedOperation | readonly GraphQLError[] {
  const { document, operationName } = request;
  const errors = verdictOn(schema, document);
  if (errors.length > 0) return errors;
  const operation = getOperationAST(document, operationName);
  if (!operation) return [unknownOperation(operationName)];
  const variables = request.variables ?? {};
  const problems = variableProblems(schema, operation, variables);
  if (problems.length > 0) return [new BadUserInputError(problems)];
  const known = knownCost(operation, variables);
  if (known !== undefined) return { operation, cost: known };
  try {
    const cost = assertAffordable(schema, document, operation, variables);
    rememberCost(document, operation, cost);
    return { operation, cost };
  } catch (error) {
    return [error instanceof GraphQLError ? error : new BadUserInputError([], 'The arguments cannot be read.')];
  }
}

export function isErrors(value: unknown): value is readonly GraphQLError[] {
  return Array.isArray(value);
}

function verdictOn(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
  const known = verdicts.get(document);
  if (known) return known;
  const errors = findProblems(schema, document).map((error) => documentError(error, 'GRAPHQL_VALIDATION_FAILED'));
  verdicts.set(document, errors);
  return errors;
}

function findProblems(schema: GraphQLSchema, document: DocumentNode): readonly unknown[] {
  // Before all else: suggestions for an unknown type compare it with every type that the document defines.
  const problem = foreignDefinition(document) ?? subscriptionRootProblem(document);
  if (problem) return [problem];
  try {
    return validate(schema, document, RULES, { maxErrors: MAX_DOCUMENT_ERRORS }).slice(0, MAX_DOCUMENT_ERRORS);
  } catch (error) {
    return [error];
  }
}

function foreignDefinition(document: DocumentNode): GraphQLError | undefined {
  const foreign = document.definitions.find((definition) => !isExecutableDefinitionNode(definition));
  return foreign && new GraphQLError('A document has operations and fragments, and nothing else.', { nodes: foreign });
}

function unknownOperation(name: string | null | undefined): GraphQLError {
  const message = name ? `Unknown operation named "${name.slice(0, 100)}".` : 'Name the operation to run.';
  return new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });
}
