// Idempotent mutations: the same key with the same input returns the existing object, with another input it is refused. A unique
// constraint makes this hold for concurrent calls.
import { createHash } from 'node:crypto';
import { violatesUnique } from '../../engine/database/unit-of-work.js';
import { ConflictError } from '../../engine/errors/service-error.js';

/** Hash of the input without the key. */
export function hashInput({ idempotencyKey: _key, ...input }: { idempotencyKey: string | null }): Buffer {
  return createHash('sha256').update(JSON.stringify(input)).digest();
}

interface Keyed {
  readonly inputHash?: Buffer | null;
}

export interface Idempotent<T> {
  readonly key: string | null;
  readonly hash: Buffer;
  readonly constraint: string;
  /** Finds the object that an earlier call with this key created. */
  readonly find: () => Promise<T | null>;
  /** Creates it, in its own transaction. */
  readonly create: () => Promise<T>;
}

/** The result of `create`, or of the earlier call with the same key. Throws CONFLICT (IDEMPOTENCY_KEY). */
export async function once<T extends Keyed>({ key, hash, constraint, find, create }: Idempotent<T>): Promise<T> {
  if (key === null) return create();
  const before = await find();
  if (before) return sameInput(before, hash);
  try {
    return await create();
  } catch (error) {
    // A concurrent call with the same key committed first.
    const made = violatesUnique(error, constraint) ? await find() : null;
    if (!made) throw error;
    return sameInput(made, hash);
  }
}

function sameInput<T extends Keyed>(made: T, hash: Buffer): T {
  if (made.inputHash && hash.equals(made.inputHash)) return made;
  throw new ConflictError('IDEMPOTENCY_KEY', 'This idempotencyKey was used with a different input.');
}
