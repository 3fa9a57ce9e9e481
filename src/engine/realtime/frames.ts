// Bytes of what the hub sends: `next` messages of graphql-transport-ws in text frames of RFC 6455, the payload made once for all.

/** First byte of an unfragmented text frame. */
const TEXT = 0x81;

/** What every `next` message of an operation begins with; its payload follows. */
export function envelopeOf(operationId: string): Buffer {
  return Buffer.from(`{"id":${JSON.stringify(operationId)},"type":"next","payload":`);
}

/** The rest of such a message: shared by all who are sent `result`, which must be JSON-safe. */
export function payloadOf(result: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(result)}}`);
}

/** One frame for each payload, in order, as one piece. */
export function framesOf(envelope: Buffer, payloads: readonly Buffer[]): Buffer {
  let size = 0;
  for (const payload of payloads) {
    const length = envelope.length + payload.length;
    size += headerSize(length) + length;
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const payload of payloads) {
    at = writeHeader(bytes, at, envelope.length + payload.length);
    bytes.set(envelope, at);
    bytes.set(payload, at + envelope.length);
    at += envelope.length + payload.length;
  }
  return bytes;
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
