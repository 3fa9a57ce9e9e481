// Whether an operation costs the same whatever its variables are: then it is counted once.
import { BREAK, type DocumentNode, Kind, visit } from 'graphql';

/** Variables decide the size of a page, or whether a field is there at all. */
const SIZES = new Set(['first', 'last']);

export function hasConstantCost(document: DocumentNode): boolean {
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
