// Idempotent mutations: the same key with the same input returns the existing object, with another input it is refused. A unique
// constraint makes this hold for concurrent calls.
import { createHash } from 'node:crypto';
import { ConflictError, ServiceUnavailableError } from '../../engine/errors/service-error.js';

/** Hash of the input without the key; null without a key. */
export function hashInput({ idempotencyKey, ...input }: { idempotencyKey: string | null }): Buffer | null {
  return idempotencyKey === null ? null : createHash('sha256').update(JSON.stringify(input)).digest();
}

export interface Keyed {
  readonly inputHash?: Buffer | null;
}

/** `made`, which an earlier call with the same key created. Throws CONFLICT (IDEMPOTENCY_KEY) if that had another input. */
export function sameInput<T extends Keyed>(made: T | null, hash: Buffer | null): T {
  // It was removed in this moment: the key can be used again.
  if (!made) throw new ServiceUnavailableError();
  if (hash && made.inputHash && hash.equals(made.inputHash)) return made;
  throw new ConflictError('IDEMPOTENCY_KEY', 'This idempotencyKey was used with a different input.');
}
