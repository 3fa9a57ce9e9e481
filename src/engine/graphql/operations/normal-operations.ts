// Normal forms that are in use, each of them once, whatever account or socket uses it.
import { Injectable } from '@nestjs/common';
import { Metrics } from '../../monitoring/metrics.js';
import { NormalOperation, normalTextOf } from './normal-operation.js';
import type { ParsedOperation } from './parsed-operation.js';

@Injectable()
export class NormalOperations {
  /** By content. An operation is dropped from here once nothing uses it. */
  private readonly kept = new Map<string, WeakRef<NormalOperation>>();
  private readonly dropped = new FinalizationRegistry<string>((key) => {
    if (!this.kept.get(key)?.deref()) this.kept.delete(key);
  });

  constructor(metrics: Metrics) {
    const help = 'Estimated bytes of the parsed documents of subscriptions, equal ones counted once.';
    metrics.gauge('subscription_document_bytes', help, () => this.bytes);
  }

  of(operation: ParsedOperation): NormalOperation {
    return (operation.normal ??= this.interned(operation));
  }

  private interned({ schema, document, definition }: ParsedOperation): NormalOperation {
    const normal = normalTextOf(schema, document, definition);
    const known = this.kept.get(normal.key)?.deref();
    if (known) return known;
    const made = new NormalOperation(schema, normal);
    this.kept.set(normal.key, new WeakRef(made));
    this.dropped.register(made, normal.key);
    return made;
  }

  private get bytes(): number {
    let bytes = 0;
    for (const one of this.kept.values()) bytes += one.deref()?.bytes ?? 0;
    return bytes;
  }
}
