// Port: whoever knows sessions tells who is asking.
import type { Caller } from '../access/operation-context.js';

export interface Authenticator {
  /** The caller behind an `Authorization` value. Never throws: without a valid one there is simply no principal. */
  authenticate(authorization: string | undefined): Promise<Caller>;
}

export const AUTHENTICATOR = Symbol('Authenticator');
