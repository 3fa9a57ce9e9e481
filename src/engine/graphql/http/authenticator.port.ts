// Port: an identity provider identifies the caller of a request.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../../access/operation-context.js';

export interface Authenticator {
  /**
   * The caller behind `Authorization`, or else behind cookies, which `response` sets and clears, of a client at `address`. Never throws: without a valid
   * token there is simply no principal.
   */
  authenticate(request: IncomingMessage, response: ServerResponse, address: string): Promise<Caller>;
}

export const AUTHENTICATOR = Symbol('Authenticator');
