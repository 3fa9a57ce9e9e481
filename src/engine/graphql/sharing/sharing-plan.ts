// Whether one execution of a subscription can serve many viewers, and which of them: found out from its document alone.
import { type DocumentNode, getVariableValues } from 'graphql';
import type { NormalizedOperation, ViewerDependencies } from '../operations/normalized-operation.js';

export interface SharingPlan extends ViewerDependencies {
  /** Equal for operations that show the same things to viewers of the same class. */
  readonly groupKey: string;
  /** The same without the variables: a hash of the document's content. */
  readonly documentKey: string;
  /** The document that is executed for each event, shared or not: one operation, without the arguments that select events. */
  readonly document: DocumentNode;
  /** Bytes of heap that the document takes. Plans of equal documents share it. */
  readonly bytes: number;
  /** Values of the variables that it uses, as they were sent. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** The cost of one execution, in fields. */
  readonly cost: number;
}

/** The plan of an operation that may run with these variables, and then costs that. Pure. */
export function planOf(
  normal: NormalizedOperation,
  sent: Readonly<Record<string, unknown>>,
  cost: number,
): SharingPlan {
  const { key, document, bytes, definition } = normal;
  const { coerced, errors } = getVariableValues(normal.schema, definition.variableDefinitions ?? [], { ...sent });
  if (errors) throw errors[0]!;
  return {
    ...normal.dependenciesWith(coerced),
    groupKey: normal.variables.size > 0 ? `${key} ${JSON.stringify(coerced)}` : key,
    documentKey: key,
    document,
    bytes,
    cost,
    variables: Object.fromEntries(Object.entries(sent).filter(([name]) => normal.variables.has(name))),
  };
}
