// The queue of mails: bounded, with retries, drained when the service stops. Callers do not wait, and no mail content is logged.
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import pLimit from 'p-limit';
import type { Counter } from 'prom-client';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import type { Mail } from './mail.js';
import { type MailTransport, mailTransportOf } from './mail-transport.js';
import { Metrics } from '../monitoring/metrics.js';

/** A mail, or a function that creates one later, in the order of the queue. None: nothing is sent. */
export type QueuedMail = Mail | (() => Promise<Mail | undefined>);

/** Notices to one recipient per hour, so that repeated changes cannot flood a mailbox. */
const MAX_NOTICES_PER_HOUR = 20;
/** Maximum of waiting mails; more are dropped. */
const MAX_WAITING = 1_000;
const HOUR_MS = 3_600_000;
const MAX_CONCURRENT = 4;
/** ms before each retry. */
const BACKOFF_MS = [1_000, 5_000, 30_000, 120_000];
/** ms for sending waiting mails when the service stops. */
const DRAIN_MS = 2_000;

@Injectable()
export class Mailer implements OnApplicationShutdown {
  private readonly logger = new Logger('Mail');
  private readonly transport: MailTransport | undefined;
  private readonly jobs = new Set<Promise<void>>();
  /** One at a time: creating mails must not compete with requests for connections. */
  private readonly composing = pLimit(1);
  private readonly sending = pLimit(MAX_CONCURRENT);
  /** Aborts waits between retries: remaining mails get one more attempt. */
  private readonly draining = new AbortController();
  private readonly aborted = new AbortController();
  private warnedAboutNoTransport = false;
  /** Logged once, until there is room again. */
  private dropping = false;
  /** Until then, on the clock of `performance`, the hourly limit is known to be exceeded. */
  private limitLoggedUntil = 0;

  private readonly perHour: RateLimiterMemory | undefined;
  private readonly notices: RateLimiterMemory | undefined;
  private readonly counted: Counter<'outcome'>;

  constructor(@Inject(CONFIG) config: Config, metrics: Metrics) {
    this.transport = mailTransportOf(config);
    if (config.rateLimits) {
      this.perHour = new RateLimiterMemory({ points: config.mailsPerHour, duration: HOUR_MS / 1_000 });
      this.notices = new RateLimiterMemory({ points: MAX_NOTICES_PER_HOUR, duration: HOUR_MS / 1_000 });
    }
    this.counted = metrics.counter(
      'mails_total',
      'Mails by outcome: sent, failed, or dropped because of the limits of the queue, of the recipient or of the hour.',
      'outcome',
    );
  }

  /** Queues a mail. Returns at once whether it was accepted; never throws. */
  queue(queued: QueuedMail): boolean {
    const { transport } = this;
    if (!transport) {
      this.warnAboutNoTransport();
      return false;
    }
    if (this.jobs.size >= MAX_WAITING || this.aborted.signal.aborted) {
      this.drop();
      return false;
    }
    const job = this.process(queued, transport)
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
    this.draining.abort();
    const late = setTimeout(() => this.aborted.abort(), DRAIN_MS);
    while (this.jobs.size > 0) await Promise.all(this.jobs);
    clearTimeout(late);
    this.aborted.abort();
  }

  private async process(queued: QueuedMail, transport: MailTransport): Promise<void> {
    const { signal } = this.aborted;
    // Later, so that work for the mail does not delay the response.
    await nextTurn();
    const compose = typeof queued === 'function' ? queued : () => Promise.resolve(queued);
    const mail = await this.withRetries(() => this.composing(() => abortable(signal, compose())));
    if (!mail || !(await this.consumeLimits(mail, mail === queued))) return;
    await this.withRetries(() => this.sending(() => abortable(signal, transport(mail, signal))));
    this.counted.inc({ outcome: 'sent' });
  }

  private async withRetries<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      const last = this.draining.signal.aborted;
      try {
        return await work();
      } catch (error) {
        const pause = BACKOFF_MS[attempt];
        if (pause === undefined || last || this.aborted.signal.aborted || isFinal(error)) throw error;
        this.logger.warn(`A mail could not be sent yet: ${reasonOf(error)}`);
        await delay(pause, undefined, { signal: this.draining.signal }).catch(() => {});
      }
    }
  }

  /** Counts the mail; false: the hourly limit is reached. Deferred mails (reset links) are limited by their creator. */
  private async consumeLimits({ to }: Mail, isNotice: boolean): Promise<boolean> {
    try {
      if (isNotice) await this.notices?.consume(to.toLowerCase());
      await this.perHour?.consume('');
      return true;
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      this.counted.inc({ outcome: 'dropped' });
      if (performance.now() > this.limitLoggedUntil)
        this.logger.error('Mails are dropped: the limit of this hour is reached');
      this.limitLoggedUntil = performance.now() + HOUR_MS;
      return false;
    }
  }

  private drop(): void {
    this.counted.inc({ outcome: 'dropped' });
    if (!this.dropping) this.logger.error('Mails are dropped: too many are waiting to be sent');
    this.dropping = true;
  }

  private warnAboutNoTransport(): void {
    if (!this.warnedAboutNoTransport) this.logger.warn('SMTP_URL is not set: mails are not sent');
    this.warnedAboutNoTransport = true;
  }
}

/** `work`, or a rejection when `signal` aborts. */
async function abortable<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
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

/** Permanent SMTP errors (RFC 5321, 4.2.1). */
function isFinal(error: unknown): boolean {
  const { responseCode } = error as { responseCode?: unknown };
  return error instanceof TypeError || (typeof responseCode === 'number' && responseCode >= 500);
}

/** Codes only: the server's text may repeat the address. */
function reasonOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const known = [code, responseCode].filter((part) => typeof part === 'string' || typeof part === 'number');
  return known.length > 0 ? known.join(' ') : error instanceof Error ? error.name : 'unknown';
}
