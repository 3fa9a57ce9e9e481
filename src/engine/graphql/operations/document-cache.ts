// What is known about documents that came before, over HTTP or a socket: valid ones from their second sight on, refused ones as
// their problems alone. Bounded by what they take of the heap.
import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import { Counter, Gauge } from 'prom-client';
import { Metrics } from '../../operations/metrics.js';
import type { Verdict } from './document-check.js';
import { ParsedDocument } from './parsed-operation.js';

/** Bytes of all documents that are kept parsed, of all that were refused, and how many are remembered to have come once. */
const MAX_PARSED_BYTES = 2 * 1024 * 1024;
const MAX_REFUSED_BYTES = 256 * 1024;
const MAX_SEEN = 2_000;
/** Bytes of heap that a parsed document takes for each of its tokens, with positions and a normal form, and for all else. */
const BYTES_PER_TOKEN = 175 + 92;
const BYTES_PER_ENTRY = 1_000;

@Injectable()
export class DocumentCache {
  private readonly parsed = new LRUCache<string, ParsedDocument>({
    maxSize: MAX_PARSED_BYTES,
    sizeCalculation: ({ tokens, length }) => BYTES_PER_ENTRY + tokens * BYTES_PER_TOKEN + length,
  });
  private readonly refused = new LRUCache<string, readonly GraphQLError[]>({
    maxSize: MAX_REFUSED_BYTES,
    sizeCalculation: (errors) => 1_000 + JSON.stringify(errors).length * 2,
  });
  private readonly seen = new LRUCache<string, true>({ max: MAX_SEEN });
  private readonly lookups: Counter<'result'>;

  constructor({ registry }: Metrics) {
    this.lookups = new Counter({
      name: 'tidings_document_lookups_total',
      help: 'Documents that came in, by whether they were known: hit, miss.',
      labelNames: ['result'],
      registers: [registry],
    });
    registry.registerMetric(bytesGauge(() => this.parsed.calculatedSize + this.refused.calculatedSize));
  }

  /** What is known about the document; `undefined`: it has to be parsed. */
  get(key: string): Verdict | undefined {
    const known = this.parsed.get(key) ?? this.refused.get(key);
    this.lookups.inc({ result: known ? 'hit' : 'miss' });
    return known;
  }

  /** Whether the document is kept as one that may run. Counts as no use of it. */
  has(key: string): boolean {
    return this.parsed.has(key);
  }

  add(key: string, verdict: Verdict): void {
    if (!(verdict instanceof ParsedDocument)) this.refused.set(key, verdict);
    else if (this.seen.has(key)) this.parsed.set(key, verdict);
    else this.seen.set(key, true);
  }
}

function bytesGauge(read: () => number): Gauge {
  return new Gauge({
    name: 'tidings_document_cache_bytes',
    help: 'Estimated bytes of documents that are kept, parsed or refused.',
    registers: [],
    collect() {
      this.set(read());
    },
  });
}

/** The key of a text. */
export function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
