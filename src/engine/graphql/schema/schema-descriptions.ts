// Descriptions of the engine's schema elements in the words of the domain.
import { type GraphQLSchema, resolveSchemaCoordinate } from 'graphql';

/** Sets descriptions by schema coordinate, such as `Query.user` or `Role.ADMIN`. Throws for one that is not in the schema. */
export function describeSchema(schema: GraphQLSchema, descriptions: Readonly<Record<string, string>>): GraphQLSchema {
  for (const [coordinate, description] of Object.entries(descriptions)) {
    const element = resolveSchemaCoordinate(schema, coordinate);
    if (element?.kind === 'Field') element.field.description = description;
    else if (element?.kind === 'EnumValue') element.enumValue.description = description;
    else throw new Error(`The schema has no field or enum value ${coordinate} to describe`);
  }
  return schema;
}
