// The build of the pages beside the start of the service, where their sources are: in an image there are none. What has not changed is
// not built. The service does not wait for it, and works without.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { LoggerService } from '@nestjs/common';
import type { AppConfig } from '../boot/settings.js';

export type PageName = 'dashboard' | 'playground';
export type BuildState = 'building' | 'failed' | 'done';

/** The pages that are on. */
export function pagesOf(config: Pick<AppConfig, PageName>): readonly PageName[] {
  return (['dashboard', 'playground'] as const).filter((page) => config[page]);
}

/** `web/` of the package that this file belongs to, wherever it was built to. */
export const WEB_FOLDER = join(dirname(findPackageJSON('..', import.meta.url)!), 'web');

export class PageBuild {
  private readonly states: Map<PageName, BuildState>;
  private stopped = false;

  private constructor(
    pages: readonly PageName[],
    private readonly child: ChildProcess,
  ) {
    this.states = new Map(pages.map((page) => [page, 'building']));
    child.on('message', ({ page, state }: { page: PageName; state: BuildState }) => this.states.set(page, state));
  }

  /** Starts to build `pages`, if their sources are in `web`. It ends with this process, or when it is stopped. */
  static start(pages: readonly PageName[], logger: LoggerService, web = WEB_FOLDER): PageBuild | undefined {
    const program = join(web, 'build.mjs');
    if (pages.length === 0 || !existsSync(program)) return undefined;
    const child = fork(program, pages, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
    const build = new PageBuild(pages, child);
    void build.follow(logger);
    return build;
  }

  /** What is known of a page; of one that is not built here, that it is done. */
  stateOf(page: PageName): BuildState {
    return this.states.get(page) ?? 'done';
  }

  stop(): void {
    this.stopped = true;
    this.child.kill();
  }

  private async follow(logger: LoggerService): Promise<void> {
    const kill = (): void => void this.child.kill();
    process.once('exit', kill);
    const [said, complaint] = [text(this.child.stdout!), text(this.child.stderr!)];
    await once(this.child, 'close').catch(() => {});
    process.off('exit', kill);
    if (this.stopped) return;
    for (const line of (await said).split('\n').filter(Boolean)) logger.log(line, 'Pages');
    const problem = (await complaint).trim();
    if (problem) logger.warn(problem, 'Pages');
    for (const [page, state] of this.states) if (state === 'building') this.states.set(page, 'failed');
  }
}
