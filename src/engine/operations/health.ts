// Whether this instance can do its work: every part that may fail registers a check.
import { Controller, Get, Injectable, Res } from '@nestjs/common';
import type { Response } from 'express';

/** Resolves when the part works; rejects or resolves to false when it does not. */
export type HealthCheck = () => Promise<boolean> | boolean;

/** ms that one check may take. */
const CHECK_TIMEOUT_MS = 2_000;

@Injectable()
export class Health {
  private readonly checks = new Map<string, HealthCheck>();
  private leaving = false;

  register(name: string, check: HealthCheck): void {
    this.checks.set(name, check);
  }

  /** From now on this instance is not ready: it is about to stop. */
  leave(): void {
    this.leaving = true;
  }

  /** Which parts work, by name; all of them must for the instance to be ready. */
  async report(): Promise<{ ready: boolean; checks: Record<string, boolean> }> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await succeeds(check)] as const),
    );
    const ready = !this.leaving && results.every(([, works]) => works);
    return { ready, checks: Object.fromEntries(results) };
  }
}

async function succeeds(check: HealthCheck): Promise<boolean> {
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
    const { ready, checks } = await this.health.report();
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'unavailable', checks });
  }
}
