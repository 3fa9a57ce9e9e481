// An HTTP proxy before the service that loses, holds or delays single operations. Whole connections are for the TCP proxy.
import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { passUpgrade, Site } from './browser.js';

/**
 * `swallow`: neither passed on nor answered. `hold`: passed on, the reply waits. `delay`: waits before it is passed on.
 * `lose`: passed on, and the connection ends within the reply.
 */
export type FaultKind = 'swallow' | 'hold' | 'delay' | 'lose';

/** What is done to one operation. */
export interface Fault {
  /** Resolves when the operation has been met: for `hold` and `lose` when the service has answered it. */
  readonly met: Promise<void>;
  /** Ends the waiting. */
  release(): void;
}

interface Pending extends Fault {
  readonly kind: FaultKind;
  readonly matches: (body: string) => boolean;
  readonly released: Promise<void>;
  meet(): void;
}

export class ClientFront {
  /** Bodies of the operations that came, in order. */
  readonly seen: string[] = [];
  /** Those that were passed on to the service, and when: ms on the clock of `performance`. */
  readonly passed: { readonly body: string; readonly at: number }[] = [];
  /** Upgrades to WebSocket. */
  upgrades = 0;
  private faults: Pending[] = [];

  private constructor(
    private readonly site: Site,
    private readonly servicePort: number,
  ) {}

  static async listen(servicePort: number): Promise<ClientFront> {
    let front: ClientFront;
    const site = await Site.listen(undefined, (incoming, outgoing) => {
      // A page or a service that goes away in the middle is what these tests are about.
      front.answer(incoming, outgoing).catch(() => outgoing.destroy());
    });
    front = new ClientFront(site, servicePort);
    site.onUpgrade((incoming, socket) => front.upgrade(incoming, socket));
    return front;
  }

  get port(): number {
    return this.site.port;
  }

  /** How many operations have come whose body matches. */
  count(pattern: RegExp): number {
    return this.seen.filter((body) => pattern.test(body)).length;
  }

  /** The next operation whose body matches meets this fault; one for each call. */
  next(kind: FaultKind, matches: RegExp): Fault {
    const [met, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const fault: Pending = {
      kind,
      matches: (body) => matches.test(body),
      met: met.promise,
      meet: met.resolve,
      released: released.promise,
      release: released.resolve,
    };
    this.faults.push(fault);
    return fault;
  }

  /** Forgets what was seen, and faults that nothing has met. */
  reset(): void {
    this.faults = [];
    this.seen.length = 0;
    this.passed.length = 0;
    this.upgrades = 0;
  }

  async stop(): Promise<void> {
    await this.site.stop();
  }

  private async answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const text = body.toString();
    if (incoming.method === 'POST') this.seen.push(text);
    const at = incoming.method === 'POST' ? this.faults.findIndex((one) => one.matches(text)) : -1;
    const [fault] = at < 0 ? [] : this.faults.splice(at, 1);
    if (fault?.kind === 'swallow') return fault.meet();
    if (fault?.kind === 'delay') {
      fault.meet();
      await fault.released;
    }
    const { method, url: path, headers } = incoming;
    if (method === 'POST') this.passed.push({ body: text, at: performance.now() });
    const onward = request({ port: this.servicePort, method, path, headers }).end(body);
    const [response] = (await once(onward, 'response')) as [IncomingMessage];
    const reply = await buffer(response);
    if (fault && fault.kind !== 'delay') fault.meet();
    if (fault?.kind === 'lose') return cutOff(outgoing, reply);
    if (fault?.kind === 'hold') await fault.released;
    outgoing.writeHead(response.statusCode ?? 502, response.headers).end(reply);
  }

  private upgrade({ method, url: path, headers }: IncomingMessage, socket: Duplex): void {
    this.upgrades += 1;
    passUpgrade({ port: this.servicePort, method, path, headers }, socket);
  }
}

/** Browsers themselves send a request again, whatever it is, whose connection ends before the first byte of a reply. */
function cutOff(outgoing: ServerResponse, reply: Buffer): void {
  outgoing.writeHead(200, { 'content-length': reply.length }).write(reply.subarray(0, 1), () => outgoing.destroy());
}
