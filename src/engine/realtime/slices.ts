// How much is made at a time: a document that asks for a lot is made for a few events at once, so that what is made and not
// written yet is bounded, and whoever does not take it is given no more.
import type { SharingPlan } from '../graphql/sharing-plan.js';
import type { Portion } from './portion.js';

/** Cost of what is made at a time, in fields: as much as a single event may cost. */
const MAX_COST = 5_000;

/** `portions` in order, as many at a time as are to be made together. */
export function* slicesOf(portions: readonly Portion[], { cost }: SharingPlan): Iterable<readonly Portion[]> {
  const size = Math.max(1, Math.floor(MAX_COST / cost));
  for (let at = 0; at < portions.length; at += size) yield portions.slice(at, at + size);
}
