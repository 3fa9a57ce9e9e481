// Scalars beside those of GraphQL itself, each with its specification.
import { GraphQLScalarType, type GraphQLSchema, isScalarType } from 'graphql';

/** Returned unchanged; not accepted as input. */
export const JsonScalar = new GraphQLScalarType({
  name: 'JSON',
  description: 'Any value of JSON.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
});

/** NestJS cannot set this for its built-in scalars. */
const SPECIFICATIONS: Readonly<Record<string, string>> = { DateTime: 'https://www.rfc-editor.org/rfc/rfc3339' };

/** The same schema, in which each of our scalars names its specification. */
export function withSpecifications(schema: GraphQLSchema): GraphQLSchema {
  for (const [name, url] of Object.entries(SPECIFICATIONS)) {
    const scalar = schema.getType(name);
    if (isScalarType(scalar)) scalar.specifiedByURL = url;
  }
  return schema;
}
