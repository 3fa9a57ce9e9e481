// Turns the code-first schema into one that enforces its rules: checks that they can be enforced, guards each field and declares the
// directives. How a guarded field behaves is in field-guards.ts.
import { GraphQLObjectType, GraphQLSchema, OperationTypeNode } from 'graphql';
import { policiesOf, type PolicyDirective } from '../../access/policy.js';
import { guardField, type SchemaGuards } from './field-guards.js';
import { appliedDirectives, declareDirective } from './policy-directives.js';
import { assertRules } from './schema-rules.js';

/** Descriptions of the root types, which no class declares in a code-first schema. */
const ROOTS: Readonly<Record<OperationTypeNode, string>> = {
  query: 'Queries, over HTTP or WebSocket.',
  mutation: 'Mutations, over HTTP or WebSocket.',
  subscription: 'Subscriptions, over WebSocket.',
};

/** The schema with all rules in force. Throws, naming the field, where a rule cannot be enforced. */
export function guardSchema(schema: GraphQLSchema, guards: SchemaGuards = {}): GraphQLSchema {
  for (const [operation, description] of Object.entries(ROOTS)) {
    const root = schema.getRootType(operation as OperationTypeNode);
    if (root) root.description ??= description;
  }
  assertRules(schema);
  const directives = new Map<string, PolicyDirective>();
  const operations = new Map(Object.values(OperationTypeNode).map((one) => [schema.getRootType(one)?.name, one]));
  for (const type of Object.values(schema.getTypeMap())) {
    if (!(type instanceof GraphQLObjectType) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      guardField(field, { type: type.name, operation: operations.get(type.name) }, guards);
      const policies = policiesOf(field.extensions);
      if (policies.length === 0) continue;
      for (const { directive } of policies) directives.set(directive.name, directive);
      field.extensions = { ...field.extensions, directives: appliedDirectives(policies) };
    }
  }
  const config = schema.toConfig();
  const declared = [...directives.values()].map((directive) => declareDirective(schema, directive));
  return new GraphQLSchema({ ...config, directives: [...config.directives, ...declared] });
}
