// Caches documents of HTTP and sockets: valid ones from their second use on, refused ones as their errors alone. Bounded by heap size. Callers who are not signed in cannot displace the documents of others.
import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Counter } from 'prom-client';
import { Metrics } from '../../monitoring/metrics.js';
import type { DocumentVerdict } from './document-check.js';
import { ParsedDocument } from './parsed-operation.js';

/** Bytes of all that is kept of documents of signed-in clients, and of all others. */
const MAX_BYTES = 2 * 1024 * 1024;
const MAX_ANONYMOUS_BYTES = 512 * 1024;
/** Part of these bytes that refused documents may take. */
const REFUSED = 1 / 8;
/** Documents that were used once. */
const MAX_SEEN = 1_000;
/** Bytes of heap that a refusal takes beside its words. */
const REFUSAL_BYTES = 1_000;

@Injectable()
export class DocumentCache {
  private readonly segments = {
    signedIn: new CacheSegment(MAX_BYTES),
    anonymous: new CacheSegment(MAX_ANONYMOUS_BYTES),
  };
  private readonly lookups: Counter<'result'>;

  constructor(metrics: Metrics) {
    this.lookups = metrics.counter(
      'document_lookups_total',
      'Lookups in the document cache by result: hit, miss.',
      'result',
    );
    const help = 'Estimated bytes of cached documents, parsed or refused.';
    metrics.gauge('document_cache_bytes', help, () => this.bytes);
  }

  /** Estimated bytes of all that is kept. */
  get bytes(): number {
    return this.segments.signedIn.bytes + this.segments.anonymous.bytes;
  }

  /** The cached document or its errors; `undefined`: it has to be parsed. */
  get(key: string, signedIn: boolean): DocumentVerdict | undefined {
    const { signedIn: own, anonymous } = this.segments;
    const known = own.get(key) ?? anonymous.get(key);
    this.lookups.inc({ result: known ? 'hit' : 'miss' });
    if (known && signedIn && !own.has(key)) own.put(key, known);
    return known;
  }

  /** Whether the document is kept as one that may run. Does not count as a use of it. */
  has(key: string): boolean {
    return this.segments.signedIn.has(key) || this.segments.anonymous.has(key);
  }

  add(key: string, verdict: DocumentVerdict, signedIn: boolean): void {
    const shelf = signedIn ? this.segments.signedIn : this.segments.anonymous;
    if (!(verdict instanceof ParsedDocument) || shelf.hasSeen(key)) shelf.put(key, verdict);
  }
}

const sizeOfRefusal = (errors: readonly GraphQLError[]) => REFUSAL_BYTES + JSON.stringify(errors).length * 2;

class CacheSegment {
  private readonly parsed: LRUCache<string, ParsedDocument>;
  private readonly refused: LRUCache<string, readonly GraphQLError[]>;
  private readonly seen = new LRUCache<string, true>({ max: MAX_SEEN });

  constructor(bytes: number) {
    this.parsed = new LRUCache({ maxSize: bytes * (1 - REFUSED), sizeCalculation: (one) => one.bytes });
    this.refused = new LRUCache({ maxSize: bytes * REFUSED, sizeCalculation: sizeOfRefusal });
  }

  get bytes(): number {
    return this.parsed.calculatedSize + this.refused.calculatedSize;
  }

  get(key: string): DocumentVerdict | undefined {
    return this.parsed.get(key) ?? this.refused.get(key);
  }

  has(key: string): boolean {
    return this.parsed.has(key);
  }

  put(key: string, verdict: DocumentVerdict): void {
    if (verdict instanceof ParsedDocument) this.parsed.set(key, verdict);
    else this.refused.set(key, verdict);
  }

  /** Whether it came before; from now on it did. */
  hasSeen(key: string): boolean {
    const seen = this.seen.get(key) ?? false;
    this.seen.set(key, true);
    return seen;
  }
}

/** The key of a text. */
export function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
