// A cursor is a position in one history of the log: `pos` and that event's nonce, opaque to clients.
import { CursorExpiredError } from '../errors/service-error.js';

export interface Position {
  readonly pos: number;
  readonly nonce: string;
}

const NONCE_BYTES = 6;

/** Opaque text of a position: base64url of six random bytes and the position in eight. */
export function encodeCursor({ pos, nonce }: Position): string {
  const bytes = Buffer.alloc(NONCE_BYTES + 8);
  bytes.write(nonce, 'hex');
  bytes.writeBigUInt64BE(BigInt(pos), NONCE_BYTES);
  return bytes.toString('base64url');
}

/** The position that `cursor` names; throws {@link CursorExpiredError} if it is malformed. */
export function decodeCursor(cursor: string): Position {
  const bytes = Buffer.from(cursor, 'base64url');
  const canonical = bytes.length === NONCE_BYTES + 8 && bytes.toString('base64url') === cursor;
  const pos = canonical ? Number(bytes.readBigUInt64BE(NONCE_BYTES)) : Number.NaN;
  if (!Number.isSafeInteger(pos)) throw new CursorExpiredError();
  return { pos, nonce: bytes.subarray(0, NONCE_BYTES).toString('hex') };
}
