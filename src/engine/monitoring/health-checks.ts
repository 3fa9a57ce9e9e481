// Readiness of this instance: every part that may fail registers a check.
import { Controller, Get, Injectable, Res } from '@nestjs/common';
import type { Response } from 'express';

/** True when the part works. False, a reason, or a rejection when it does not. */
export type HealthCheck = () => Promise<boolean | string> | boolean | string;

/** Time-out of a check in ms. */
const CHECK_TIMEOUT_MS = 2_000;

@Injectable()
export class HealthChecks {
  private readonly checks = new Map<string, HealthCheck>();
  private readonly notes = new Map<string, () => string | undefined>();
  private stopping = false;

  register(name: string, check: HealthCheck): void {
    this.checks.set(name, check);
  }

  /** `note`: information for operators about a working part; undefined: none. */
  registerNote(name: string, note: () => string | undefined): void {
    this.notes.set(name, note);
  }

  /** Makes this instance not ready, since it is about to stop. */
  beginShutdown(): void {
    this.stopping = true;
  }

  /** State of each part by name; all must work for the instance to be ready. `details` has reasons, where known. */
  async report(): Promise<HealthReport> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await resultOf(check)] as const),
    );
    const works = results.map(([name, result]) => [name, result === true] as const);
    const remarks = [...this.notes].map(([name, note]) => [name, note()] as const);
    const details = [...results, ...remarks].flatMap(([name, text]) =>
      typeof text === 'string' ? [[name, text]] : [],
    );
    return {
      ready: !this.stopping && works.every(([, working]) => working),
      checks: Object.fromEntries(works),
      details: Object.fromEntries(details) as Record<string, string>,
    };
  }
}

export interface HealthReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, boolean>>;
  readonly details: Readonly<Record<string, string>>;
}

async function resultOf(check: HealthCheck): Promise<boolean | string> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS);
  try {
    return await Promise.race([Promise.resolve(check()), promise]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

@Controller('health')
export class HealthController {
  constructor(private readonly health: HealthChecks) {}

  /** Liveness: the process responds. */
  @Get('live')
  live() {
    return { status: 'live' };
  }

  /** Readiness: 200 when requests may be sent here, otherwise 503. */
  @Get('ready')
  async ready(@Res() response: Response) {
    const { ready, ...rest } = await this.health.report();
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'unavailable', ...rest });
  }
}
