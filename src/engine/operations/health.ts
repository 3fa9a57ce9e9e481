// Whether this instance can do its work: every part that may fail registers a check.
import { Controller, Get, Injectable, Res } from '@nestjs/common';
import type { Response } from 'express';

/** True when the part works. False, a text that says why, or a rejection when it does not. */
export type HealthCheck = () => Promise<boolean | string> | boolean | string;

/** ms that one check may take. */
const CHECK_TIMEOUT_MS = 2_000;

@Injectable()
export class Health {
  private readonly checks = new Map<string, HealthCheck>();
  private readonly remarks = new Map<string, () => string | undefined>();
  private leaving = false;

  register(name: string, check: HealthCheck): void {
    this.checks.set(name, check);
  }

  /** `note` says what an operator should know of a part that works all the same; undefined: nothing. */
  remark(name: string, note: () => string | undefined): void {
    this.remarks.set(name, note);
  }

  /** From now on this instance is not ready: it is about to stop. */
  leave(): void {
    this.leaving = true;
  }

  /** Which parts work, by name; all of them must for the instance to be ready. `details` say what is wrong, where that is known. */
  async report(): Promise<HealthReport> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await resultOf(check)] as const),
    );
    const works = results.map(([name, result]) => [name, result === true] as const);
    const remarks = [...this.remarks].map(([name, note]) => [name, note()] as const);
    const details = [...results, ...remarks].flatMap(([name, text]) =>
      typeof text === 'string' ? [[name, text]] : [],
    );
    return {
      ready: !this.leaving && works.every(([, working]) => working),
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
  constructor(private readonly health: Health) {}

  /** The process runs. */
  @Get('live')
  live() {
    return { status: 'live' };
  }

  /** 200 when requests may be sent here, else 503. */
  @Get('ready')
  async ready(@Res() response: Response) {
    const { ready, ...rest } = await this.health.report();
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'unavailable', ...rest });
  }
}
