// Remembers of operations whose cost no variable can change what they cost: it need not be counted again.
import { type DocumentNode, Kind, type OperationDefinitionNode, visit, BREAK } from 'graphql';

const known = new WeakMap<OperationDefinitionNode, number>();

/** Variables decide the size of a page, or whether a field is there at all. */
const SIZES = new Set(['first', 'last']);

/** The cost that was remembered of `operation`. A variable that is null can still stand where null must not be. */
export function knownCost(
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): number | undefined {
  return Object.values(variables).includes(null) ? undefined : known.get(operation);
}

/** Remembers what `operation` costs, which may run, if it costs that whatever its variables are. */
export function rememberCost(document: DocumentNode, operation: OperationDefinitionNode, cost: number): void {
  if (hasConstantCost(document)) known.set(operation, cost);
}

function hasConstantCost(document: DocumentNode): boolean {
  let constant = true;
  const depends = () => {
    constant = false;
    return BREAK;
  };
  visit(document, {
    Directive: depends,
    Argument: ({ name, value }) => (SIZES.has(name.value) && value.kind !== Kind.INT ? depends() : undefined),
  });
  return constant;
}
