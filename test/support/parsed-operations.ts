// Operations in the form that the GraphQL pipeline passes on, parsed from text without validation or limits.
import { type GraphQLSchema, parse } from 'graphql';
import { OperationCosts } from '../../src/engine/graphql/operations/operation-cost.js';
import type { ReadyOperation } from '../../src/engine/graphql/operations/operation-pipeline.js';
import { ParsedDocument, type ParsedOperation } from '../../src/engine/graphql/operations/parsed-operation.js';

/** The operation `name` in `text`, or its only operation. */
export function parsedOperation(schema: GraphQLSchema, text: string, name?: string): ParsedOperation {
  const operation = new ParsedDocument(new OperationCosts(schema), parse(text), 1, text.length).operation(name);
  if (!operation) throw new Error(`There is no such operation: ${text}`);
  return operation;
}

export function readyOperation(schema: GraphQLSchema, text: string): ReadyOperation {
  return { operation: parsedOperation(schema, text), variables: {}, cost: 1 };
}
