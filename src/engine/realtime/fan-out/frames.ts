// Bytes of delivered events: `next` messages of graphql-transport-ws in text frames of RFC 6455, the payload made once for all.

/** First byte of an unfragmented text frame. */
const TEXT = 0x81;

/** The beginning of every `next` message of an operation, up to its payload. */
export function envelopeOf(operationId: string): Buffer {
  return Buffer.from(`{"id":${JSON.stringify(operationId)},"type":"next","payload":`);
}

/** The rest of such a message: shared by all who are sent `result`, which must be JSON-safe. */
export function payloadOf(result: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(result)}}`);
}

/**
 * Lays out frames for many subscribers, one after the other: the next one with the same payloads and an envelope of the same length reuses
 * the bytes, and only the envelope is written anew.
 */
export class FrameLayout {
  private bytes = Buffer.alloc(0);
  private payloads: readonly Buffer[] = [];
  private envelopeSize = 0;
  /** Where envelopes begin. */
  private places: number[] = [];

  /** One frame for each payload, in order, as one piece: valid until the next call, and indefinitely if it is `kept`. */
  framesOf(envelope: Buffer, payloads: readonly Buffer[]): Buffer {
    if (!this.holds(envelope, payloads)) this.layOut(envelope, payloads);
    const { bytes } = this;
    for (const place of this.places) bytes.set(envelope, place);
    return bytes;
  }

  /** The bytes returned last belong to the caller, and are not written to any more. */
  kept(): void {
    this.payloads = [];
  }

  private holds({ length }: Buffer, payloads: readonly Buffer[]): boolean {
    const held = this.payloads;
    if (length !== this.envelopeSize || payloads.length !== held.length || held.length === 0) return false;
    for (let at = 0; at < held.length; at += 1) if (held[at] !== payloads[at]) return false;
    return true;
  }

  private layOut(envelope: Buffer, payloads: readonly Buffer[]): void {
    const sizes = payloads.map((payload) => envelope.length + payload.length);
    const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + headerSize(size) + size, 0));
    let at = 0;
    this.places = payloads.map((payload, index) => {
      const place = writeHeader(bytes, at, sizes[index]!);
      bytes.set(payload, place + envelope.length);
      at = place + sizes[index]!;
      return place;
    });
    this.bytes = bytes;
    this.payloads = payloads;
    this.envelopeSize = envelope.length;
  }
}

function headerSize(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}

/** A server's frames are not masked. Returns where the message begins. */
function writeHeader(bytes: Buffer, at: number, length: number): number {
  bytes[at] = TEXT;
  if (length < 126) {
    bytes[at + 1] = length;
    return at + 2;
  }
  if (length < 65_536) {
    bytes[at + 1] = 126;
    return bytes.writeUInt16BE(length, at + 2);
  }
  bytes[at + 1] = 127;
  return bytes.writeBigUInt64BE(BigInt(length), at + 2);
}
