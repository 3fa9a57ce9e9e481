// Remembers of operations whose cost no variable can change that they were found affordable: it need not be counted again.
import { type DocumentNode, Kind, type OperationDefinitionNode, visit, BREAK } from 'graphql';

const affordable = new WeakSet<OperationDefinitionNode>();

/** Variables decide the size of a page, or whether a field is there at all. */
const SIZES = new Set(['first', 'last']);

/** Whether `operation` was remembered. A variable that is null can still stand where null must not be. */
export function isKnownAffordable(
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): boolean {
  return affordable.has(operation) && !Object.values(variables).includes(null);
}

/** Remembers that `operation` was found affordable, if it is so whatever its variables are. */
export function rememberAffordable(document: DocumentNode, operation: OperationDefinitionNode): void {
  if (hasConstantCost(document)) affordable.add(operation);
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
