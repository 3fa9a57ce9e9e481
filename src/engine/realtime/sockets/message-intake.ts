// Rate-limits messages of sockets by pausing reads: messages above the limit are read later, in order, and none is refused.
import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { ServiceError } from '../../errors/service-error.js';
import { ownerOf } from '../../limits/client-network.js';
import { DelayedRefusals } from '../../limits/delayed-refusals.js';
import { Gate } from '../../limits/gate.js';
import { WorkBudget } from '../../limits/work-budget.js';
import { Metrics } from '../../monitoring/metrics.js';
import { CloseCode } from './close-codes.js';
import type { Socket } from './socket.js';

/** Characters above which a message passes the gate before it is parsed: 1 MiB of nested lists takes 50 ms. */
const LARGE_MESSAGE = 16 * 1024;
/** ms of the event loop that reading messages may take: of one account or network, and of all. */
const OWNER = { burst: 200, perSecond: 50 };
const INSTANCE = { burst: 1_000, perSecond: 300 };
/** ms that a message costs, and each of its characters. */
const MESSAGE_MS = 0.05;
const CHARACTER_MS = 0.000_01;
/** ms of a pause, at least. */
const MIN_HOLD_MS = 20;

/** Text, or the bytes of a message that is too large to be executed. */
type Message = string | Buffer;
type Handle = (message: Message) => void;

@Injectable()
export class MessageIntake {
  private readonly owners = new WorkBudget(OWNER);
  private readonly instance = new WorkBudget(INSTANCE);
  private readonly held: Counter<'reason'>;
  private readonly bounded: boolean;

  constructor(
    private readonly gate: Gate,
    private readonly refusals: DelayedRefusals,
    @Inject(CONFIG) { rateLimits }: Config,
    metrics: Metrics,
  ) {
    this.bounded = rateLimits;
    this.held = metrics.counter(
      'socket_reads_paused_total',
      'Times that a socket was not read for a while: pace (too many messages), large (a large message waited).',
      'reason',
    );
  }

  /** A function that takes the messages of one socket, and hands them on in order. */
  of(socket: Socket, handle: Handle): Handle {
    const waiting: Message[] = [];
    let busy = false;
    const drain = async (): Promise<void> => {
      busy = true;
      socket.pauseReading();
      for (let message = waiting.shift(); message !== undefined && socket.open; message = waiting.shift()) {
        await this.ready(socket, message);
        if (socket.open) handle(message);
      }
      busy = false;
      socket.resumeReading();
    };
    return (message) => {
      if (!socket.credential && message.length > LARGE_MESSAGE) {
        if (typeof message !== 'string') return socket.close(CloseCode.TooLarge, 'Message too large');
        return socket.close(CloseCode.BadRequest, 'Message too large before connection_init');
      }
      if (!busy && message.length <= LARGE_MESSAGE && this.pause(socket, message) === 0) return handle(message);
      waiting.push(message);
      if (!busy) void drain();
    };
  }

  /** ms for which the socket is not to be read; charges the message. */
  private pause({ credential, client }: Socket, message: Message): number {
    const owner = credential?.accountId ?? ownerOf(client.address).key;
    const cost = MESSAGE_MS + message.length * CHARACTER_MS;
    this.owners.charge(owner, cost);
    this.instance.charge('', cost);
    return Math.max(this.bounded ? this.owners.waitFor(owner, 0) : 0, this.instance.waitFor('', 0));
  }

  /** Resolves when the message may be parsed, now. */
  private async ready(socket: Socket, message: Message): Promise<void> {
    const pause = this.pause(socket, message);
    if (pause > 0) {
      this.held.inc({ reason: 'pace' });
      await new Promise((resolve) => {
        setTimeout(resolve, Math.max(MIN_HOLD_MS, pause));
      });
    }
    if (message.length <= LARGE_MESSAGE) return;
    this.held.inc({ reason: 'large' });
    const work = {
      network: ownerOf(socket.client.address),
      accountId: socket.credential?.accountId,
      isKnown: () => false,
      bytes: message.length,
      wanted: () => socket.open,
    };
    while (socket.open) {
      try {
        return await this.gate.admit(work);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        await this.refusals.wait();
      }
    }
  }
}
