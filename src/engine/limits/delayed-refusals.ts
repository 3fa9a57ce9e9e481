// Delays refusals: immediate ones would speed up a flood.
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Metrics } from '../monitoring/metrics.js';

/** Delay of a refusal in ms, randomized by a fifth to spread them. */
const DELAY_MS = 250;
const JITTER = 0.2;
/** Refusals delayed at a time. */
const MAX_WAITING = 256;

@Injectable()
export class DelayedRefusals {
  private waiting = 0;

  constructor(metrics: Metrics) {
    metrics.gauge('refusals_waiting', 'Refusals waiting to be sent.', () => this.waiting);
  }

  /** Resolves after the delay; at once with false if too many are waiting. */
  async wait(): Promise<boolean> {
    if (this.waiting >= MAX_WAITING) return false;
    this.waiting += 1;
    await delay(DELAY_MS * (1 - JITTER + 2 * JITTER * Math.random()), undefined, { ref: false });
    this.waiting -= 1;
    return true;
  }
}
