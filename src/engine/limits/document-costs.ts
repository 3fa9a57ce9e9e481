// Measured costs of documents: those that were cheap need not wait. Keyed by hash.
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const MAX_KNOWN = 10_000;
/** Limits in ms and fields for a light operation. */
const LIGHT_MS = 2;
const LIGHT_FIELDS = 500;
/** Weight of a higher measurement, which is usually a disturbance. */
const RISE = 0.25;
/** Estimated ms per resolved field. */
const FIELD_MS = 0.004;

interface Known {
  /** Measured ms; undefined: never measured. */
  ms: number | undefined;
  /** The largest number of fields that one of its operations can resolve. */
  fields: number;
}

export class DocumentCosts {
  private readonly known = new LRUCache<string, Known>({ max: MAX_KNOWN });

  /** Estimated ms of the document; undefined: never measured. */
  estimateOf(document: string): number | undefined {
    const known = this.known.get(keyOf(document));
    return known?.ms === undefined ? undefined : known.ms + known.fields * FIELD_MS;
  }

  isLight(document: string): boolean {
    const known = this.known.get(keyOf(document));
    return known?.ms !== undefined && known.ms <= LIGHT_MS && known.fields <= LIGHT_FIELDS;
  }

  /** `lasting`: repeats will cost as much. Returns the ms including fields that are resolved later. */
  recordMeasurement(document: string, ms: number, lasting: boolean): number {
    const known = this.entry(document);
    if (lasting) known.ms = known.ms === undefined || ms < known.ms ? ms : known.ms + (ms - known.ms) * RISE;
    return ms + known.fields * FIELD_MS;
  }

  /** The fields that an operation of the document can resolve. */
  recordFields(document: string, fields: number): void {
    const known = this.entry(document);
    known.fields = Math.max(known.fields, fields);
  }

  private entry(document: string): Known {
    const key = keyOf(document);
    const known = this.known.get(key) ?? { ms: undefined, fields: 0 };
    this.known.set(key, known);
    return known;
  }
}

function keyOf(document: string): string {
  return hash('sha256', document, 'base64url');
}
