// Tells pages which demo accounts anyone may sign in as, so that they offer them where they are, and nowhere else.
import { Controller, Get, Header, Inject } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { AppConfig } from '../boot/settings.js';
import { CONFIG } from '../engine/config/config.module.js';
import { type DemoSignIn, demoAccounts } from './demo-accounts.js';
import { DEMO_PASSWORD } from './people.js';

interface DemoSignIns {
  readonly accounts: readonly DemoSignIn[];
  /** Of all of them, unless a visitor has changed it; null if there are none. */
  readonly password: string | null;
}

@Controller()
export class DemoController {
  constructor(
    @Inject(CONFIG) private readonly config: AppConfig,
    private readonly orm: MikroORM,
  ) {}

  @Get('demo.json')
  @Header('cache-control', 'no-store')
  async signIns(): Promise<DemoSignIns> {
    const accounts = this.config.demo ? await demoAccounts(this.orm.em.fork()) : [];
    return { accounts, password: accounts.length > 0 ? DEMO_PASSWORD : null };
  }
}
