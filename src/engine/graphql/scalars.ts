// Scalars beside those of GraphQL itself, each with its specification.
import { GraphQLISODateTime } from '@nestjs/graphql';
import { GraphQLScalarType } from 'graphql';

/** `Date` in the code. https://www.rfc-editor.org/rfc/rfc3339 */
export const DateTimeScalar = new GraphQLScalarType({
  ...GraphQLISODateTime.toConfig(),
  description: 'A point in time in UTC, such as 2026-11-28T09:54:33.120Z.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
});

/** What is shown as it is; it is not taken as input. https://www.rfc-editor.org/rfc/rfc8259 */
export const JsonScalar = new GraphQLScalarType({
  name: 'JSON',
  description: 'Any value of JSON.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
});
