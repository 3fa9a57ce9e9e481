// Keeps the texts of introspection results: the schema never changes while the service runs, and is the same for all callers. Whether an
// operation may run, and what it is charged, is decided before.
import type { FormattedExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Metrics } from '../../monitoring/metrics.js';
import type { ParsedOperation } from './parsed-operation.js';

/** Bytes of all texts that are kept. GraphiQL's takes a quarter of a MiB. */
const MAX_BYTES = 2 * 1024 * 1024;
/** Of a text with characters beyond Latin-1, which descriptions have. */
const BYTES_PER_CHARACTER = 2;
const META_FIELDS: ReadonlySet<string> = new Set(['__schema', '__type', '__typename']);

/** Stands for the data of a result whose text is kept. */
type Kept = Record<string, never>;

export class IntrospectionResults {
  private readonly kept = new LRUCache<ParsedOperation, Kept>({ maxSize: MAX_BYTES });
  private readonly texts = new WeakMap<object, string>();
  private readonly executed = new WeakSet<ParsedOperation>();

  constructor(metrics: Metrics) {
    metrics.gauge(
      'introspection_cache_bytes',
      'Bytes of introspection results that are kept.',
      () => this.kept.calculatedSize,
    );
  }

  /** The data of a known result, for `textOf`. */
  dataOf(operation: ParsedOperation): Kept | undefined {
    return this.kept.get(operation);
  }

  /** Keeps the result, from the second time on that the same parsed operation was executed. */
  add(operation: ParsedOperation, result: FormattedExecutionResult): void {
    if (result.errors || this.kept.has(operation) || !isConstantIntrospection(operation)) return;
    if (!this.executed.has(operation)) {
      this.executed.add(operation);
      return;
    }
    const [text, data]: [string, Kept] = [stringify(result), {}];
    this.texts.set(data, text);
    // The same result is sent now. One that is too large is not kept, and would be written twice each time.
    if (result.data) this.texts.set(result.data, text);
    this.kept.set(operation, data, { size: text.length * BYTES_PER_CHARACTER });
  }

  /** The JSON of a result. */
  textOf(result: FormattedExecutionResult): string {
    return (result.data && this.texts.get(result.data)) ?? stringify(result);
  }
}

/** As Apollo does it. */
const stringify = (result: FormattedExecutionResult): string => `${JSON.stringify(result)}\n`;

/** Whether it asks the schema alone, and always for the same. */
function isConstantIntrospection({ type, definition, rootFields }: ParsedOperation): boolean {
  if (type !== 'query' || (definition.variableDefinitions ?? []).length > 0) return false;
  const names = rootFields.map(({ name }) => name.value);
  return names.every((name) => META_FIELDS.has(name)) && names.some((name) => name !== '__typename');
}
