// Stock clients, configured as the documentation prints it, in a process of their own.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocksOf, fileNameOf } from './printed-code.js';

const ROOT = process.cwd();
/** They print a stock graphql-ws client, and a stock Apollo Client over it. */
const PAGES = ['docs/realtime.md', 'docs/frontend.md'];
/** Below the project: the code finds its packages as that of any reader does. */
const FOLDER = join(ROOT, 'node_modules/.cache/printed-code');

export interface ClientSession {
  readonly tokens: {
    readonly accessToken: string;
    readonly accessTokenExpiresAt: string;
    readonly refreshToken: string;
  };
  /** The project that it watches, and the cursor of the last event that it knows. */
  readonly id: string;
  readonly after: string;
}

/** What one subscription of a client has received. */
export interface SubscriptionReport {
  readonly kind: string;
  /** Why it has ended, if it has. */
  readonly ended?: string;
  readonly seqs: readonly number[];
}

export class StockClients {
  private constructor(private readonly child: ChildProcess) {}

  /** The code of PAGES, as it stands there. */
  static async start(): Promise<StockClients> {
    mkdirSync(FOLDER, { recursive: true });
    for (const block of PAGES.flatMap((page) => blocksOf(join(ROOT, page)))) {
      const name = fileNameOf(block);
      if (name?.endsWith('.mjs')) writeFileSync(join(FOLDER, name), block.text);
    }
    const child = fork(join(ROOT, 'test/fixtures/stock-clients.mjs'), [FOLDER], {
      execPath: join(ROOT, 'node_modules/.bin/node'),
      execArgv: [],
    });
    await once(child, 'message');
    return new StockClients(child);
  }

  watch(url: string, sessions: readonly ClientSession[]): void {
    this.child.send({ url, sessions });
  }

  /** Every client begins one more subscription, on the connection that it has. */
  watchAgain(): void {
    this.child.send({ again: true });
  }

  async report(): Promise<readonly SubscriptionReport[]> {
    const answer = once(this.child, 'message');
    this.child.send({});
    return (await answer)[0] as SubscriptionReport[];
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}
