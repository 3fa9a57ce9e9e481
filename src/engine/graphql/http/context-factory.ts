// Makes the context of one operation: the same thing whether it came over HTTP or over a socket.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { type Caller, OperationContext } from '../../access/operation-context.js';
import { CachedReads } from '../../access/cached-reads.js';
import type { ClientInfo, Principal } from '../../access/role.js';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { encodeCursor } from '../../events/cursor.js';
import { LogFollower } from '../../events/log-follower.js';
import { AUTHENTICATOR, type Authenticator } from './authenticator.port.js';
import { type ClientOf, clientReader } from './client-address.js';
import { type EndpointOf, endpointReader } from './endpoint.js';
import { FIELD_LIMITS, type FieldLimits } from '../schema/field-limits.port.js';

@Injectable()
export class ContextFactory {
  readonly clientOf: ClientOf;
  readonly endpointOf: EndpointOf;
  private readonly callers = new WeakMap<IncomingMessage, Promise<Caller>>();

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly orm: MikroORM,
    private readonly follower: LogFollower,
    @Inject(AUTHENTICATOR) private readonly authenticator: Authenticator,
    @Inject(FIELD_LIMITS) readonly limits: FieldLimits,
  ) {
    this.clientOf = clientReader(config.trustProxy);
    this.endpointOf = endpointReader(config.service.endpoint);
  }

  /** A look at the database as it is now: for one event, shared by all who are shown it. */
  readonly newReads = (): CachedReads => new CachedReads(this.orm, encodeCursor(this.follower.position));

  /** Catches up with all committed changes of rights. Throws SERVICE_UNAVAILABLE. */
  catchUp(): Promise<void> {
    return this.follower.catchUp();
  }

  /** Who sends the request. Known from then on, until it is forgotten. */
  callerOf(request: IncomingMessage, response: ServerResponse): Promise<Caller> {
    const known =
      this.callers.get(request) ?? this.authenticator.authenticate(request, response, this.clientOf(request).address);
    this.callers.set(request, known);
    return known;
  }

  /** Who sends the request is looked up again. */
  forgetCaller(request: IncomingMessage): void {
    this.callers.delete(request);
  }

  async forRequest(request: IncomingMessage, response: ServerResponse): Promise<OperationContext> {
    const caller = await this.callerOf(request, response);
    return new OperationContext(this.newReads, this.clientOf(request), caller, 'http');
  }

  forSocket(client: ClientInfo, caller: Caller): OperationContext {
    return new OperationContext(this.newReads, client, caller, 'socket');
  }

  /** For one event, executed for one viewer, with the reads that its other executions share. */
  forEvent(client: ClientInfo, principal: Principal, reads: CachedReads): OperationContext {
    return new OperationContext(this.newReads, client, { principal }, 'socket', reads);
  }
}
