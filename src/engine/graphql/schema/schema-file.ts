// `schema.gql`: the schema in force, sorted, with its policies printed, so that it reads as the access policy.
import { printSchemaWithDirectives } from '@graphql-tools/utils';
import { type GraphQLSchema, lexicographicSortSchema } from 'graphql';

const HEADER = `# Generated from the code by \`npm run schema\`; a test fails when it is not up to date.\n`;

/** The text of `schema.gql`. */
export function printPolicySchema(schema: GraphQLSchema): string {
  return `${HEADER}\n${printSchemaWithDirectives(lexicographicSortSchema(schema))}\n`;
}
