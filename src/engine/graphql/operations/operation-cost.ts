// What an operation may come to, counted before it runs: fields, lists by the size that was asked for, long texts by how long
// they can be. So the limit bounds what one operation can make, in CPU and in bytes.
import {
  type DocumentNode,
  getNamedType,
  getNullableType,
  GraphQLError,
  type GraphQLSchema,
  isCompositeType,
  isListType,
  type OperationDefinitionNode,
} from 'graphql';
import { type ComplexityEstimatorArgs, getComplexity } from 'graphql-query-complexity';
import { policiesOf } from '../../access/policy.js';
import { isAboutArgument } from '../../errors/error-mapper.js';
import { QueryTooComplexError } from '../../errors/service-error.js';
import { DEFAULT_PAGE, MAX_PAGE } from '../connection.js';
import { countedAs, longestText } from '../field-rules.js';

/** Characters that cost as much as a field. */
const TEXT_PER_FIELD = 400;
/** Characters of the error that stands for a guarded field, with its path. */
const DENIAL = 800;
/** Entries that a list is taken to have which cannot be asked for by size: of the schema's own types, and of the types of each. */
const TYPES = 20;
const OF_A_TYPE = 3;

/** What `operation` costs. Throws {@link QueryTooComplexError} where that cannot be counted. The document must be valid. */
export function costOf(
  schema: GraphQLSchema,
  query: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): number {
  const operationName = operation.name ? { operationName: operation.name.value } : {};
  try {
    return getComplexity({ schema, query, variables: { ...variables }, ...operationName, estimators: [costOfField] });
  } catch (error) {
    // An argument whose variable may be null, and is, where it must not be.
    if (error instanceof GraphQLError && isAboutArgument(error)) throw error;
    // It gives up where fragments in fragments come to more fields than can be counted.
    throw new QueryTooComplexError('This could resolve more fields than can be counted.');
  }
}

function costOfField(asked: ComplexityEstimatorArgs): number {
  const { extensions } = asked.field;
  const text = longestText(extensions) + (policiesOf(extensions).length > 0 ? DENIAL : 0);
  return 1 + Math.floor(text / TEXT_PER_FIELD) + sizeOf(asked) * asked.childComplexity;
}

/** How many there are of what is selected below the field. */
function sizeOf({ type, field, args }: ComplexityEstimatorArgs): number {
  if (field.args.some(({ name }) => name === 'first')) {
    const size = Number(args['first'] ?? args['last'] ?? DEFAULT_PAGE);
    return Math.min(Math.max(size, 1), MAX_PAGE);
  }
  if (!isListType(getNullableType(field.type)) || !isCompositeType(getNamedType(field.type))) return 1;
  // The entries of a page are counted where the page is.
  if (type.name.endsWith('Connection')) return 1;
  if (!type.name.startsWith('__')) return countedAs(field.extensions) ?? DEFAULT_PAGE;
  return type.name === '__Schema' ? TYPES : OF_A_TYPE;
}
