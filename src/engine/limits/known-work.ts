// What documents turned out to cost: those that were cheap before need not wait. Documents themselves are not kept.
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const MAX_KNOWN = 10_000;
/** ms of measured work, and fields, up to which an operation counts as light. */
const LIGHT_MS = 2;
const LIGHT_FIELDS = 500;
/** How much of a higher measurement is believed: more often than not something else was in the way. */
const RISE = 0.25;
/** ms that a field takes when it is resolved. */
const FIELD_MS = 0.004;

interface Known {
  /** As it was measured; undefined: it never was. */
  ms: number | undefined;
  /** The most that one of its operations could resolve. */
  fields: number;
}

export class KnownWork {
  private readonly known = new LRUCache<string, Known>({ max: MAX_KNOWN });

  /** ms that the document will probably take; undefined: it was never measured. */
  expected(document: string): number | undefined {
    const known = this.known.get(keyOf(document));
    return known?.ms === undefined ? undefined : known.ms + known.fields * FIELD_MS;
  }

  isLight(document: string): boolean {
    const known = this.known.get(keyOf(document));
    return known?.ms !== undefined && known.ms <= LIGHT_MS && known.fields <= LIGHT_FIELDS;
  }

  /** `lasting`: it will take as much the next time. Returns the ms that it took with the fields that it resolves later. */
  measured(document: string, ms: number, lasting: boolean): number {
    const known = this.entry(document);
    if (lasting) known.ms = known.ms === undefined || ms < known.ms ? ms : known.ms + (ms - known.ms) * RISE;
    return ms + known.fields * FIELD_MS;
  }

  /** What an operation of the document could resolve. */
  counted(document: string, fields: number): void {
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
