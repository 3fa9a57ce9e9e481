// What one document may ask for, the same over HTTP and over a socket. Shape rules are validation rules; cost is counted
// once the variables are known.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
import { type ComplexityEstimatorArgs, getComplexity, simpleEstimator } from 'graphql-query-complexity';
import { QueryTooComplexError } from '../errors/service-error.js';
import { DEFAULT_PAGE, MAX_PAGE } from './connection.js';
import { isCredential } from './field-rules.js';

/** Tokens of one document; the parser refuses more. */
export const MAX_TOKENS = 4_000;
/** Fields that one operation may come to resolve, lists counted by the size that was asked for. */
export const MAX_COMPLEXITY = 20_000;

/** How deep fields may lie in each other; a full introspection takes 15. */
export const MAX_DEPTH = 20;

type Fragments = (name: string) => FragmentDefinitionNode | null | undefined;

/** A credential mutation is the only root field of its operation, so that a limit counts what is tried. */
export const credentialAloneRule: ValidationRule = (context) => ({
  OperationDefinition(operation) {
    if (operation.operation !== 'mutation') return;
    const known = context.getSchema().getMutationType()?.getFields();
    const roots = selectionsOf(operation.selectionSet, (name) => context.getFragment(name)).filter(
      ({ kind }) => kind === Kind.FIELD,
    ) as FieldNode[];
    const credential = roots.find(({ name }) => isCredential(known?.[name.value]?.extensions));
    if (credential && roots.length > 1) {
      context.reportError(
        new GraphQLError(`"${credential.name.value}" must be the only field of its operation.`, { nodes: operation }),
      );
    }
  },
});

/** All selections of a level: those in its fragments too, each fragment once, however often it is spread. */
function selectionsOf(set: SelectionSetNode, fragments: Fragments, seen = new Set<string>()): SelectionNode[] {
  return set.selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection];
    if (selection.kind === Kind.INLINE_FRAGMENT)
      return [selection, ...selectionsOf(selection.selectionSet, fragments, seen)];
    const name = selection.name.value;
    const fragment = seen.has(name) ? undefined : fragments(name);
    seen.add(name);
    return [selection, ...(fragment ? selectionsOf(fragment.selectionSet, fragments, seen) : [])];
  });
}

/**
 * `@skip` and `@include` on the root field of a subscription pass validation and then break execution, or break
 * validation itself: refused before it runs. The directives stay welcome everywhere below.
 */
export function subscriptionRootProblem(document: DocumentNode): GraphQLError | undefined {
  const fragments = fragmentsOf(document);
  const roots = document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION && definition.operation === 'subscription'
      ? selectionsOf(definition.selectionSet, fragments)
      : [],
  );
  const conditional = roots.find(({ directives }) =>
    directives?.some(({ name }) => name.value === 'skip' || name.value === 'include'),
  );
  if (!conditional) return undefined;
  return new GraphQLError('@skip and @include cannot be used on the root field of a subscription.', {
    nodes: conditional,
  });
}

function fragmentsOf(document: DocumentNode): Fragments {
  const definitions = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  const byName = new Map(definitions.map((definition) => [definition.name.value, definition]));
  return (name) => byName.get(name);
}

export const VALIDATION_RULES: readonly ValidationRule[] = [credentialAloneRule];

/**
 * Throws {@link QueryTooComplexError} if the operation could come to resolve more than {@link MAX_COMPLEXITY} fields, or
 * has them deeper in each other than {@link MAX_DEPTH}. The document must be valid.
 */
export function assertAffordable(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): void {
  const depth = depthOf(operation.selectionSet, fragmentsOf(document));
  if (depth > MAX_DEPTH)
    throw new QueryTooComplexError(`Its fields lie ${depth} deep in each other; ${MAX_DEPTH} are allowed.`);
  const complexity = countFields(schema, document, operation, variables);
  if (complexity > MAX_COMPLEXITY) {
    throw new QueryTooComplexError(`This could resolve ${complexity} fields; ${MAX_COMPLEXITY} are allowed.`);
  }
}

function depthOf(set: SelectionSetNode, fragments: Fragments, known = new Map<string, number>()): number {
  const depths = set.selections.map((selection) => {
    if (selection.kind === Kind.FIELD)
      return 1 + (selection.selectionSet ? depthOf(selection.selectionSet, fragments, known) : 0);
    if (selection.kind === Kind.INLINE_FRAGMENT) return depthOf(selection.selectionSet, fragments, known);
    const name = selection.name.value;
    const fragment = fragments(name);
    const depth = known.get(name) ?? (fragment ? depthOf(fragment.selectionSet, fragments, known) : 0);
    known.set(name, depth);
    return depth;
  });
  return Math.max(0, ...depths);
}

/** A page costs what its entries cost, as many as were asked for. */
const page = ({ args, childComplexity, field }: ComplexityEstimatorArgs) => {
  if (!field.args.some((argument) => argument.name === 'first')) return undefined;
  const size = Number(args['first'] ?? args['last'] ?? DEFAULT_PAGE);
  return 1 + Math.min(Math.max(size, 1), MAX_PAGE) * childComplexity;
};

function countFields(
  schema: GraphQLSchema,
  query: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): number {
  const estimators = [page, simpleEstimator({ defaultComplexity: 1 })];
  const operationName = operation.name ? { operationName: operation.name.value } : {};
  try {
    return getComplexity({ schema, query, variables: { ...variables }, ...operationName, estimators });
  } catch (error) {
    // An argument whose variable may be null, and is, where it must not be.
    if (error instanceof GraphQLError && error.message.startsWith('Argument ')) throw error;
    // It gives up where fragments in fragments come to more fields than can be counted.
    throw new QueryTooComplexError('This could resolve more fields than can be counted.');
  }
}
