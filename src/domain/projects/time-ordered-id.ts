// Ids that sort by when something was written, on the one clock that all nodes share: the database's.
import { v7 as uuid } from 'uuid';

/** UUIDv7 of `at`, in ms since 1970 with a fraction, which comes behind the ms (RFC 9562, 6.2, method 3). */
export function idAt(at: number): string {
  return uuid({ msecs: Math.floor(at), seq: Math.floor((at % 1) * 2 ** 32) });
}
