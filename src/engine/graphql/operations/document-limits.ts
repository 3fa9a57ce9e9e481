// Limits on one document, the same over HTTP and over a socket. Shape rules are validation rules; cost is counted
// once the variables are known.
import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
import { QueryTooComplexError } from '../../errors/service-error.js';
import { isCredential } from '../schema/field-rules.js';
import type { OperationCost, OperationCosts } from './operation-cost.js';
import { type Fragments, fragmentsOf, rootFieldsOf, selectionsOf } from './root-fields.js';

/** Tokens of one document; the parser refuses more. GraphiQL's introspection has 182. */
export const MAX_TOKENS = 4_000;
export const MAX_ANONYMOUS_TOKENS = 500;
/** Bytes that introspection answers a caller who is not signed in, all of them in one piece of work; GraphiQL's is 115 KB. */
export const MAX_ANONYMOUS_INTROSPECTION_BYTES = 192 * 1024;
/** Tokens of a document with a subscription: it is kept as long as the subscription lasts. */
const MAX_SUBSCRIPTION_TOKENS = 1_000;
export const MAX_OPERATIONS = 10;
/** Root fields of one operation: each is a separate call, and each mutation a write. */
const MAX_ROOT_FIELDS: Readonly<Record<OperationTypeNode, number>> = { query: 250, mutation: 10, subscription: 1 };
/** The maximum cost of one operation, see operation-cost.ts: 20,000 fields, or 8 million characters of long texts. */
export const MAX_COST = 20_000;
/** The maximum cost of one event of a subscription: it is executed for every event and every permission class. */
export const MAX_EVENT_COST = 5_000;
/** Characters of an alias: it is repeated with each entry of a list, and in the path of each error. */
const MAX_ALIAS = 100;

/** How deep fields may lie in each other; a full introspection takes 15. */
export const MAX_DEPTH = 20;

/** A credential mutation is the only root field of its operation, so that a limit counts every attempt. */
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

/** Shortens text that an answer repeats. */
const shortAliasRule: ValidationRule = (context) => ({
  Field({ alias }) {
    if (!alias || alias.value.length <= MAX_ALIAS) return;
    context.reportError(new GraphQLError(`An alias has at most ${MAX_ALIAS} characters.`, { nodes: alias }));
  },
});

export const VALIDATION_RULES: readonly ValidationRule[] = [credentialAloneRule, shortAliasRule];

interface OperationShape {
  readonly type: OperationTypeNode;
  readonly tokens: number;
  readonly rootFields: readonly FieldNode[];
}

/** Why the operation cannot run, whatever its variables are. */
export function shapeProblem({ type, tokens, rootFields }: OperationShape): QueryTooComplexError | undefined {
  const most = MAX_ROOT_FIELDS[type];
  if (rootFields.length > most) {
    return new QueryTooComplexError(
      `A ${type} has at most ${most} root fields; this one has ${rootFields.length}. Send several requests.`,
    );
  }
  if (type !== 'subscription' || tokens <= MAX_SUBSCRIPTION_TOKENS) return undefined;
  return new QueryTooComplexError(
    `The document of a subscription has at most ${MAX_SUBSCRIPTION_TOKENS} tokens; this one has ${tokens}.`,
  );
}

/** Why none of the document's operations can run, known before it is validated, which takes several times as long as parsing. */
export function shapeProblemOfAll(document: DocumentNode, tokens: number): QueryTooComplexError | undefined {
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  // More are refused for their number.
  if (operations.length > MAX_OPERATIONS) return undefined;
  const fragments = fragmentsOf(document);
  const problems = (operations as OperationDefinitionNode[]).map((definition) => {
    const type = definition.operation;
    // That a subscription has one root field is a rule of GraphQL itself.
    const rootFields = type === 'subscription' ? [] : rootFieldsOf(definition, fragments);
    return shapeProblem({ type, tokens, rootFields });
  });
  return problems.includes(undefined) ? undefined : problems[0];
}

/**
 * The cost of the operation. Throws {@link QueryTooComplexError} if that is more than {@link MAX_COST}, or for a subscription
 * {@link MAX_EVENT_COST}, or if its fields lie deeper in each other than {@link MAX_DEPTH}. It must be valid.
 */
export function affordableCost(
  costs: OperationCosts,
  operation: OperationDefinitionNode,
  fragments: Fragments,
  variables: Readonly<Record<string, unknown>>,
): OperationCost {
  const depth = depthOf(operation.selectionSet, fragments);
  if (depth > MAX_DEPTH)
    throw new QueryTooComplexError(`Its fields lie ${depth} deep in each other; ${MAX_DEPTH} are allowed.`);
  const cost = costs.of(operation, fragments, variables);
  const most = operation.operation === 'subscription' ? MAX_EVENT_COST : MAX_COST;
  if (cost.fields > most) {
    throw new QueryTooComplexError(
      `This could resolve ${cost.fields} fields; ${most} are allowed. Long texts count as several, lists as often as they may have entries.`,
    );
  }
  return cost;
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
