// Policies as directives of the schema, so that `schema.gql` shows who may use a field. Enforces nothing.
import {
  DirectiveLocation,
  type GraphQLEnumType,
  GraphQLDirective,
  GraphQLNonNull,
  type GraphQLSchema,
  isEnumType,
} from 'graphql';
import type { Policy, PolicyDirective } from '../../access/policy.js';

/** The directives of a field's policies, as an extension of the field that the schema printer reads. */
export function appliedDirectives(policies: readonly Policy[]): Record<string, Readonly<Record<string, string>>[]> {
  return Object.fromEntries(policies.map(({ directive, args }) => [directive.name, [args]]));
}

/** The declaration of a policy's directive. Throws if the schema lacks an enum that the directive needs. */
export function declareDirective(
  schema: GraphQLSchema,
  { name, description, args }: PolicyDirective,
): GraphQLDirective {
  const argument = ([argumentName, typeName]: [string, string]) => [argumentName, { type: enumType(schema, typeName) }];
  return new GraphQLDirective({
    name,
    description,
    locations: [DirectiveLocation.FIELD_DEFINITION],
    args: Object.fromEntries(Object.entries(args).map(argument)) as Record<
      string,
      { type: GraphQLNonNull<GraphQLEnumType> }
    >,
  });
}

function enumType(schema: GraphQLSchema, name: string): GraphQLNonNull<GraphQLEnumType> {
  const type = schema.getType(name);
  if (!isEnumType(type)) throw new Error(`A policy's directive needs the enum ${name}, which the schema does not have`);
  return new GraphQLNonNull(type);
}
