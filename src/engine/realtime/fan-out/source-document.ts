// The part of a subscription that opens its stream: the root field with its arguments, without its selection. So a large document is
// not held while the stream is being opened, nor as long as the subscription lasts.
import { type DocumentNode, type FieldNode, Kind, parse, type SelectionSetNode } from 'graphql';
import type { ParsedOperation } from '../../graphql/operations/parsed-operation.js';

/** Kept by graphql-ws in place of the document for as long as a subscription lasts. */
export const PLACEHOLDER: DocumentNode = parse('subscription { __typename }', { noLocation: true });

const NOTHING: SelectionSetNode = {
  kind: Kind.SELECTION_SET,
  selections: [{ kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } }],
};

/** A document that opens the same stream as `operation`, which may run. Its errors name the same places. */
export function sourceDocument({ definition, document, rootFields }: ParsedOperation): DocumentNode {
  const [field] = rootFields;
  if (!field) return document;
  const { selectionSet, ...rest } = field;
  const opening: FieldNode = selectionSet ? { ...rest, selectionSet: NOTHING } : rest;
  const small = { ...definition, selectionSet: { kind: Kind.SELECTION_SET, selections: [opening] } as const };
  return { kind: Kind.DOCUMENT, definitions: [small] };
}
