// Takes an operation of a socket through the gate and then through the pipeline.
import { Injectable } from '@nestjs/common';
import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { Caller } from '../../access/operation-context.js';
import { ServiceError, ServiceUnavailableError, UnauthenticatedError } from '../../errors/service-error.js';
import {
  isErrors,
  OperationPipeline,
  type OperationRequest,
  type ReadyOperation,
} from '../../graphql/operations/operation-pipeline.js';
import { signOutIn } from '../../graphql/operations/sign-out.js';
import { ownerOf } from '../../limits/client-network.js';
import { DelayedRefusals } from '../../limits/delayed-refusals.js';
import { Gate } from '../../limits/gate.js';
import { CloseCode } from './close-codes.js';
import type { Socket } from './socket.js';

/** The beginning of a subscription document as stock clients write it, for documents that are not parsed yet. */
const SUBSCRIPTION = /^\s{0,100}subscription\b/;

@Injectable()
export class SocketAdmission {
  constructor(
    private readonly gate: Gate,
    private readonly pipeline: OperationPipeline,
    private readonly refusals: DelayedRefusals,
  ) {}

  /**
   * The operation to run, or every reason why not. Never throws. `caller` was verified just now; `wanted`: false once the client has
   * completed the operation or is gone.
   */
  async prepare(
    socket: Socket,
    schema: GraphQLSchema,
    request: OperationRequest,
    { principal, refusal }: Caller,
    wanted: () => boolean,
  ): Promise<ReadyOperation | readonly GraphQLError[]> {
    // While it is unknown whether the session lives, its token still identifies the account.
    const accountId = principal?.accountId ?? (refusal && socket.credential?.accountId);
    const refused = await this.admit(socket, request.query, accountId, wanted);
    if (refused) return [refused];
    const ready = this.pipeline.prepare(schema, request, { signedIn: !!(principal ?? refusal), via: 'socket' });
    if (!isErrors(ready)) this.gate.recordFields(request.query, ready.cost);
    return ready;
  }

  private async admit(
    socket: Socket,
    document: string,
    accountId: string | undefined,
    wanted: () => boolean,
  ): Promise<ServiceError | undefined> {
    const network = ownerOf(socket.client.address);
    const isKnown = () => this.pipeline.knows(document);
    const signsOut = signOutIn(document) === 'alone';
    try {
      await this.gate.admit({ network, accountId, document, isKnown, bytes: document.length, signsOut, wanted });
      return undefined;
    } catch (error) {
      if (!wanted()) return new UnauthenticatedError();
      if (!(error instanceof ServiceError)) throw error;
      // Delays clients that retry immediately.
      await this.refusals.wait();
      // An `error` ends a subscription at its client for good, a close with this code does not.
      if (error instanceof ServiceUnavailableError && SUBSCRIPTION.test(document)) {
        socket.close(CloseCode.TryAgainLater, 'Try again later');
      }
      return error;
    }
  }
}
