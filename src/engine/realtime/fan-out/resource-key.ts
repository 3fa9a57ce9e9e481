// The resource of a subscription, read from its document alone: the root field with its arguments. However often an account subscribes to
// the same, in whatever words, the key is equal.
import { getOperationAST, GraphQLError, type ValueNode, valueFromASTUntyped } from 'graphql';
import { fragmentsOf, rootFieldsOf } from '../../graphql/operations/root-fields.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';

/** Ids are equal in whatever case they are written. */
export function resourceKeyOf({ document, variables }: SharingPlan): string {
  const operation = getOperationAST(document);
  const [field] = operation ? rootFieldsOf(operation, fragmentsOf(document)) : [];
  if (!operation || !field) throw new GraphQLError('A subscription has one root field.');
  const values: Record<string, unknown> = { ...variables };
  for (const { variable, defaultValue } of operation.variableDefinitions ?? []) {
    if (defaultValue) values[variable.name.value] ??= valueFromASTUntyped(defaultValue);
  }
  const args = (field.arguments ?? []).map(({ name, value }) => `${name.value}:${textOf(value, values)}`);
  return `${field.name.value}(${args.toSorted().join()})`.toLowerCase();
}

function textOf(value: ValueNode, variables: Record<string, unknown>): string {
  return JSON.stringify(valueFromASTUntyped(value, variables)) ?? '';
}
