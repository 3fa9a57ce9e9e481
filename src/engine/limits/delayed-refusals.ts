// Refusals that clients wait for: an immediate answer would only make a flood faster.
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Metrics } from '../operations/metrics.js';
import { gauge } from './gauge.js';

/** ms that a refusal waits, give or take a fifth: what arrived together is not answered together. */
const DELAY_MS = 250;
const JITTER = 0.2;
/** Refusals that wait at a time. */
const MAX_WAITING = 256;

@Injectable()
export class DelayedRefusals {
  private waiting = 0;

  constructor({ registry }: Metrics) {
    gauge(registry, 'tidings_refusals_waiting', 'Refusals that wait to be sent.', () => this.waiting);
  }

  /** Resolves after the delay; at once, and false, if so many wait that this one is not worth it. */
  async wait(): Promise<boolean> {
    if (this.waiting >= MAX_WAITING) return false;
    this.waiting += 1;
    await delay(DELAY_MS * (1 - JITTER + 2 * JITTER * Math.random()), undefined, { ref: false });
    this.waiting -= 1;
    return true;
  }
}
