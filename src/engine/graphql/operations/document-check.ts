// Whether a document may run at all, whatever its variables are: one set of rules for HTTP and sockets.
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  isExecutableDefinitionNode,
  Kind,
  OverlappingFieldsCanBeMergedRule,
  specifiedRules,
  validate,
  type ValidationRule,
  ValuesOfCorrectTypeRule,
} from 'graphql';
import { executable, type ParsedText, parseText, TooManyTokensError } from './compact-parser.js';
import { documentError, literalsRule, MAX_DOCUMENT_ERRORS } from './document-error.js';
import { MAX_OPERATIONS, shapeProblemOfAll, subscriptionRootProblem, VALIDATION_RULES } from './document-limits.js';
import type { OperationCosts } from './operation-cost.js';
import { overlappingFieldsRule } from './overlapping-fields.rule.js';
import { ParsedDocument } from './parsed-operation.js';

/** A document that may run, or every reason why not. */
export type DocumentVerdict = ParsedDocument | readonly GraphQLError[];

const OURS = new Map<ValidationRule, ValidationRule>([
  [OverlappingFieldsCanBeMergedRule, overlappingFieldsRule],
  [ValuesOfCorrectTypeRule, literalsRule],
]);
const RULES = [...specifiedRules.map((rule) => OURS.get(rule) ?? rule), ...VALIDATION_RULES];

/** Parses and validates `text`. `undefined`: it has more than `maxTokens` tokens. Never throws. */
export function checkDocument(costs: OperationCosts, text: string, maxTokens: number): DocumentVerdict | undefined {
  let parsed: ParsedText;
  try {
    parsed = parseText(text, maxTokens);
  } catch (error) {
    if (error instanceof TooManyTokensError) return undefined;
    return [documentError(error, 'GRAPHQL_PARSE_FAILED')];
  }
  const { document, tokens } = parsed;
  const problem = shapeProblemOfAll(document, tokens);
  if (problem) return [problem];
  const errors = findProblems(costs.schema, document).map((error) => documentError(error, 'GRAPHQL_VALIDATION_FAILED'));
  return errors.length > 0 ? errors : new ParsedDocument(costs, executable(document, text), tokens, text.length);
}

function findProblems(schema: GraphQLSchema, document: DocumentNode): readonly unknown[] {
  // Before all else: suggestions for an unknown type compare it with every type that the document defines.
  const problem = foreignDefinition(document) ?? operationsProblem(document) ?? subscriptionRootProblem(document);
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

/** Some rules look at every fragment once for each operation. */
function operationsProblem({ definitions }: DocumentNode): GraphQLError | undefined {
  const operations = definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  if (operations.length <= MAX_OPERATIONS) return undefined;
  return new GraphQLError(`A document has at most ${MAX_OPERATIONS} operations; this one has ${operations.length}.`, {
    nodes: operations[MAX_OPERATIONS],
  });
}
