// Stock clients with the documented configuration, in a child process.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocksOf, fileNameOf } from './printed-code.js';

const ROOT = process.cwd();
/** They print the configurations of a graphql-ws client, and of Apollo Client with it. */
const PAGES = ['docs/realtime.md', 'docs/frontend.md'];
/** Inside the project, so that imports resolve to its packages. */
const FOLDER = join(ROOT, 'node_modules/.cache/printed-code');

export interface ClientSession {
  readonly tokens: {
    readonly accessToken: string;
    readonly accessTokenExpiresAt: string;
    readonly refreshToken: string;
  };
  /** The project to watch, and the cursor to resume after. */
  readonly id: string;
  readonly after: string;
}

/** What one subscription has received. */
export interface SubscriptionReport {
  readonly kind: string;
  /** Reason for its end; absent while it runs. */
  readonly ended?: string;
  readonly seqs: readonly number[];
}

export class StockClients {
  private constructor(private readonly child: ChildProcess) {}

  /** Starts the process with the code printed in PAGES. */
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

  /** Each client adds a subscription on its open connection. */
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
