// What one document may ask for, the same over HTTP and over a socket. Shape rules are validation rules; cost is counted
// once the variables are known.
import { type DocumentNode, GraphQLError, type GraphQLSchema, Kind, type ValidationRule, visit } from 'graphql';
import { getComplexity, simpleEstimator } from 'graphql-query-complexity';
import { QueryTooComplexError } from '../errors/service-error.js';
import { DEFAULT_PAGE, MAX_PAGE } from './connection.js';
import { isCredential } from './field-rules.js';

/** Tokens of one document; the parser refuses more. */
export const MAX_TOKENS = 4_000;
/** Fields that one operation may come to resolve, lists counted by the size that was asked for. */
export const MAX_COMPLEXITY = 20_000;

/** A credential mutation is the only root field of its operation, so that a limit counts what is tried. */
export const credentialAloneRule: ValidationRule = (context) => ({
  OperationDefinition(operation) {
    let roots = 0;
    let credential: string | undefined;
    const mutation = context.getSchema().getMutationType();
    const walk = (selections: typeof operation.selectionSet.selections, depth = 0): void => {
      for (const selection of selections) {
        if (selection.kind === Kind.FIELD) {
          roots += 1;
          const field = mutation?.getFields()[selection.name.value];
          if (operation.operation === 'mutation' && isCredential(field?.extensions)) credential = selection.name.value;
        } else if (selection.kind === Kind.INLINE_FRAGMENT) {
          walk(selection.selectionSet.selections, depth);
        } else if (depth < 10) {
          const fragment = context.getFragment(selection.name.value);
          if (fragment) walk(fragment.selectionSet.selections, depth + 1);
        }
      }
    };
    walk(operation.selectionSet.selections);
    if (credential && roots > 1) {
      context.reportError(new GraphQLError(`"${credential}" must be the only field of its operation.`, { nodes: operation }));
    }
  },
});

/**
 * `@skip` and `@include` on the root field of a subscription pass validation and then break execution, or break
 * validation itself: refused before it runs. The directives stay welcome everywhere below.
 */
export function subscriptionRootProblem(document: DocumentNode): GraphQLError | undefined {
  let problem: GraphQLError | undefined;
  const conditional = (node: { directives?: readonly { name: { value: string } }[] | undefined }) =>
    node.directives?.some(({ name }) => name.value === 'skip' || name.value === 'include');
  const rootFragments = new Set<string>();
  const check = (set: { selections: readonly import('graphql').SelectionNode[] }): void => {
    for (const selection of set.selections) {
      if (conditional(selection)) {
        problem ??= new GraphQLError('@skip and @include cannot be used on the root field of a subscription.', {
          nodes: selection,
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        });
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) check(selection.selectionSet);
      if (selection.kind !== Kind.FRAGMENT_SPREAD || rootFragments.has(selection.name.value)) continue;
      rootFragments.add(selection.name.value);
      visit(document, {
        FragmentDefinition: (fragment) => {
          if (fragment.name.value === selection.name.value) check(fragment.selectionSet);
        },
      });
    }
  };
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION && definition.operation === 'subscription') {
      check(definition.selectionSet);
    }
  }
  return problem;
}

export const VALIDATION_RULES: readonly ValidationRule[] = [credentialAloneRule];

/** Throws {@link QueryTooComplexError} if the operation could come to resolve more than {@link MAX_COMPLEXITY} fields. */
export function assertAffordable(
  schema: GraphQLSchema,
  query: DocumentNode,
  operationName: string | undefined,
  variables: Record<string, unknown>,
): void {
  const complexity = countFields(schema, query, operationName, variables);
  if (complexity > MAX_COMPLEXITY) {
    throw new QueryTooComplexError(`This could resolve ${complexity} fields; ${MAX_COMPLEXITY} are allowed.`);
  }
}

function countFields(
  schema: GraphQLSchema,
  query: DocumentNode,
  operationName: string | undefined,
  variables: Record<string, unknown>,
): number {
  const page = ({ args, childComplexity, field }: Parameters<ReturnType<typeof simpleEstimator>>[0]) => {
    if (!field.args.some((argument) => argument.name === 'first')) return undefined;
    const size = Number(args['first'] ?? args['last'] ?? DEFAULT_PAGE);
    return 1 + Math.min(Math.max(size, 1), MAX_PAGE) * childComplexity;
  };
  return getComplexity({
    schema,
    query,
    variables,
    ...(operationName ? { operationName } : {}),
    estimators: [page, simpleEstimator({ defaultComplexity: 1 })],
  });
}
