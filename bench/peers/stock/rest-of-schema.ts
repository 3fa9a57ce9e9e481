// Extends the schema to the size of the Tidings schema, so that introspection of both is comparable. Fields without a resolver fail.
import { buildSchema, type GraphQLSchema, isEnumType, isObjectType, isScalarType } from 'graphql';

/** Builds the schema of `text` with the resolvers and scalars of `schema`, matched by name. */
export function withRestOf(schema: GraphQLSchema, text: string): GraphQLSchema {
  const whole = buildSchema(text);
  for (const part of Object.values(schema.getTypeMap())) {
    if (part.name.startsWith('__')) continue;
    const type = whole.getType(part.name);
    if (isScalarType(part) && isScalarType(type)) {
      const { serialize, parseValue, parseLiteral } = part;
      Object.assign(type, { serialize, parseValue, parseLiteral });
    } else if (isObjectType(part) && isObjectType(type)) {
      for (const { name, resolve } of Object.values(part.getFields())) {
        const field = type.getFields()[name];
        if (!field) throw new Error(`${part.name}.${name} is not in the schema`);
        if (resolve) field.resolve = resolve;
      }
    } else if (!isEnumType(part) && !type) throw new Error(`${part.name} is not in the schema`);
  }
  return whole;
}
