// For parts of the schema whose capability has not been built yet: they say so, and change nothing.
import { ServiceUnavailableError } from './service-error.js';

/** Throws SERVICE_UNAVAILABLE naming `what`. */
export function notYet(what: string): never {
  throw new ServiceUnavailableError(`${what}: not part of this version yet.`);
}
