// How much is made at a time: a document that asks for a lot is made for a few events at once, so that what is made and not
// written yet is bounded, and whoever does not take it is given no more.
import { type DocumentNode, visit } from 'graphql';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import type { Portion } from './portion.js';

/** Fields, as the document has them, that are made at a time; one event at least. */
const MAX_FIELDS = 1_000;

const counted = new WeakMap<DocumentNode, number>();

/** `portions` in order, as many at a time as are to be made together. What has left out others is one: its counts belong together. */
export function* slicesOf(portions: readonly Portion[], { document }: SharingPlan): Iterable<readonly Portion[]> {
  const whole = portions.some(({ skipped }) => skipped !== undefined);
  const size = whole ? portions.length : Math.max(1, Math.floor(MAX_FIELDS / fieldsOf(document)));
  for (let at = 0; at < portions.length; at += size) yield portions.slice(at, at + size);
}

function fieldsOf(document: DocumentNode): number {
  const known = counted.get(document);
  if (known !== undefined) return known;
  let count = 0;
  visit(document, { Field: () => void (count += 1) });
  counted.set(document, count);
  return count;
}
