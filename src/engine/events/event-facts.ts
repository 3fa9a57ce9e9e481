// Facts of events, read through the schema of their kind. An event has many readers: its facts are parsed once.
import type { EventDraft } from './log-event.js';

const parsed = new WeakMap<object, unknown>();

/** The facts of an event; `schema` is the only one of its kind. Throws if they are malformed. */
export function factsOf<T>(schema: { parse(facts: unknown): T }, { facts = {} }: Pick<EventDraft, 'facts'>): T {
  if (!parsed.has(facts)) parsed.set(facts, schema.parse(facts));
  return parsed.get(facts) as T;
}
