// The queue of mails: nobody waits for one, none is written to a log. It is bounded, tries again with patience, and is
// drained when the service stops. What a mail says, and where it goes, is not its business.
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import pLimit from 'p-limit';
import { Counter } from 'prom-client';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import type { Mail } from './mail.js';
import { type Delivery, deliveryOf } from './mail-delivery.js';
import { Metrics } from './metrics.js';

/** A mail, or the work that makes one: it too is done after the request, in the order of the queue. None: nothing is sent. */
export type Letter = Mail | (() => Promise<Mail | undefined>);

/** Notices to one recipient in an hour: an account that changes its password all the time is not told each time. */
const NOTICES = 20;
/** Mails that may wait; more are dropped rather than kept. */
const MAX_WAITING = 1_000;
const HOUR_MS = 3_600_000;
const AT_ONCE = 4;
/** ms before each further try. */
const BACKOFF_MS = [1_000, 5_000, 30_000, 120_000];
/** ms that mails have when the service stops. */
const DRAIN_MS = 2_000;

@Injectable()
export class Mailer implements OnApplicationShutdown {
  private readonly logger = new Logger('Mail');
  private readonly delivery: Delivery | undefined;
  private readonly jobs = new Set<Promise<void>>();
  /** One at a time: making mails does not compete with requests for connections. */
  private readonly composing = pLimit(1);
  private readonly sending = pLimit(AT_ONCE);
  /** Ends the waiting between tries: what is left is tried once more, at once. */
  private readonly hurry = new AbortController();
  private readonly giveUp = new AbortController();
  private saidThatNoneAreSent = false;
  /** Said once, until there is room again. */
  private dropping = false;
  /** Until then, on the clock of `performance`, it is known that mails are dropped. */
  private silentUntil = 0;

  private readonly perHour: RateLimiterMemory | undefined;
  private readonly notices: RateLimiterMemory | undefined;
  private readonly counted: Counter<'outcome'>;

  constructor(@Inject(CONFIG) config: Config, { registry }: Metrics) {
    this.delivery = deliveryOf(config);
    if (config.rateLimits) {
      this.perHour = new RateLimiterMemory({ points: config.mailsPerHour, duration: HOUR_MS / 1_000 });
      this.notices = new RateLimiterMemory({ points: NOTICES, duration: HOUR_MS / 1_000 });
    }
    this.counted = new Counter({
      name: 'tidings_mails_total',
      help: 'Mails by outcome: sent, failed, or dropped because too many waited, or went to one recipient or out in the hour.',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  /** Takes a mail to send it soon. Returns at once whether it was taken, and never throws. */
  queue(letter: Letter): boolean {
    const { delivery } = this;
    if (!delivery) {
      this.sayThatNoneAreSent();
      return false;
    }
    if (this.jobs.size >= MAX_WAITING || this.giveUp.signal.aborted) {
      this.drop();
      return false;
    }
    const job = this.process(letter, delivery)
      .catch((error: unknown) => {
        this.counted.inc({ outcome: 'failed' });
        this.logger.error(`A mail was not sent: ${reasonOf(error)}`);
      })
      .finally(() => {
        this.jobs.delete(job);
        this.dropping = false;
      });
    this.jobs.add(job);
    return true;
  }

  async onApplicationShutdown(): Promise<void> {
    this.hurry.abort();
    const late = setTimeout(() => this.giveUp.abort(), DRAIN_MS);
    while (this.jobs.size > 0) await Promise.all(this.jobs);
    clearTimeout(late);
    this.giveUp.abort();
  }

  private async process(letter: Letter, delivery: Delivery): Promise<void> {
    const { signal } = this.giveUp;
    // Not before the answer has gone out: making a mail begins with work that would delay it.
    await nextTurn();
    const compose = typeof letter === 'function' ? letter : () => Promise.resolve(letter);
    const mail = await this.persistently(() => this.composing(() => ended(signal, compose())));
    if (!mail || !(await this.allows(mail, mail === letter))) return;
    await this.persistently(() => this.sending(() => ended(signal, delivery(mail, signal))));
    this.counted.inc({ outcome: 'sent' });
  }

  private async persistently<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      const last = this.hurry.signal.aborted;
      try {
        return await work();
      } catch (error) {
        const pause = BACKOFF_MS[attempt];
        if (pause === undefined || last || this.giveUp.signal.aborted || isFinal(error)) throw error;
        this.logger.warn(`A mail could not be sent yet: ${reasonOf(error)}`);
        await delay(pause, undefined, { signal: this.hurry.signal }).catch(() => {});
      }
    }
  }

  /** Counts the mail; false: there were too many in this hour. What is composed, reset links, is bounded by who composes it. */
  private async allows({ to }: Mail, isNotice: boolean): Promise<boolean> {
    try {
      if (isNotice) await this.notices?.consume(to.toLowerCase());
      await this.perHour?.consume('');
      return true;
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      this.counted.inc({ outcome: 'dropped' });
      if (performance.now() > this.silentUntil)
        this.logger.error('Mails are dropped: the limit of this hour is reached');
      this.silentUntil = performance.now() + HOUR_MS;
      return false;
    }
  }

  private drop(): void {
    this.counted.inc({ outcome: 'dropped' });
    if (!this.dropping) this.logger.error('Mails are dropped: too many are waiting to be sent');
    this.dropping = true;
  }

  private sayThatNoneAreSent(): void {
    if (!this.saidThatNoneAreSent) this.logger.warn('SMTP_URL is not set: mails are not sent');
    this.saidThatNoneAreSent = true;
  }
}

/** `work`, or a failure as soon as `signal` says that its time is up. */
async function ended<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(Object.assign(new Error('the service stops'), { code: 'STOPPING' }));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Answers of an SMTP server that will be the same next time (RFC 5321, 4.2.1). */
function isFinal(error: unknown): boolean {
  const { responseCode } = error as { responseCode?: unknown };
  return error instanceof TypeError || (typeof responseCode === 'number' && responseCode >= 500);
}

/** Codes alone: what a server says may repeat the address. */
function reasonOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const known = [code, responseCode].filter((part) => typeof part === 'string' || typeof part === 'number');
  return known.length > 0 ? known.join(' ') : error instanceof Error ? error.name : 'unknown';
}
