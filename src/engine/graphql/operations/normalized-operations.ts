// Normal forms that are in use, each of them once, whatever account or socket uses it.
import { Injectable } from '@nestjs/common';
import { Metrics } from '../../monitoring/metrics.js';
import { NormalizedOperation, normalizeOperation } from './normalized-operation.js';
import type { ParsedOperation } from './parsed-operation.js';

@Injectable()
export class NormalizedOperations {
  /** By content. An operation is dropped from here once nothing uses it. */
  private readonly byKey = new Map<string, WeakRef<NormalizedOperation>>();
  private readonly dropped = new FinalizationRegistry<string>((key) => {
    if (!this.byKey.get(key)?.deref()) this.byKey.delete(key);
  });

  constructor(metrics: Metrics) {
    const help = 'Estimated bytes of the parsed documents of subscriptions, equal ones counted once.';
    metrics.gauge('subscription_document_bytes', help, () => this.bytes);
  }

  of(operation: ParsedOperation): NormalizedOperation {
    return (operation.normalized ??= this.interned(operation));
  }

  private interned({ schema, document, definition }: ParsedOperation): NormalizedOperation {
    const normal = normalizeOperation(schema, document, definition);
    const known = this.byKey.get(normal.key)?.deref();
    if (known) return known;
    const made = new NormalizedOperation(schema, normal);
    this.byKey.set(normal.key, new WeakRef(made));
    this.dropped.register(made, normal.key);
    return made;
  }

  private get bytes(): number {
    let bytes = 0;
    for (const one of this.byKey.values()) bytes += one.deref()?.bytes ?? 0;
    return bytes;
  }
}
