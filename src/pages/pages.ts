// What browsers open: the dashboard, the playground, and what stands in their place when they are off or not built.
import type { NestExpressApplication } from '@nestjs/platform-express';
import { type RequestHandler, Router } from 'express';
import { join } from 'node:path';
import type { AppConfig } from '../boot/settings.js';
import type { EndpointPage } from '../engine/graphql/http/http-entry.js';
import { BuiltPage, sendDocument } from './built-page.js';
import { NoSuchPageFilter } from './no-such-page.filter.js';
import { type PageBuild, type PageName, WEB_FOLDER } from './page-build.js';
import { DASHBOARD_POLICY, PLAYGROUND_POLICY } from './page-policies.js';
import { absentPage, landingPage, PLAIN_POLICY } from './plain-page.js';
import { DASHBOARD_ROUTES } from './routes.js';

/** Seconds until a browser asks again for a page that is not there. */
const RETRY_S = { building: 1, failed: 10, absent: 10 };

/** Where the pages come from: without anything, from `web/` of the package. */
export interface PageSources {
  /** The folder with `dist/`, in which each page has a folder, and `previous/` those of the build before. */
  readonly web?: string;
  /** The build that is under way. */
  readonly build?: PageBuild | undefined;
}

export class Pages {
  private readonly dashboard: BuiltPage;
  private readonly playground: BuiltPage;
  private readonly build: PageBuild | undefined;

  constructor(
    private readonly config: AppConfig,
    { web = WEB_FOLDER, build }: PageSources,
  ) {
    const foldersOf = (page: PageName) => [join(web, 'dist', page), join(web, 'dist/previous', page)];
    this.dashboard = new BuiltPage({ folders: foldersOf('dashboard'), base: '/', policy: DASHBOARD_POLICY });
    this.playground = new BuiltPage({ folders: foldersOf('playground'), base: '/graphql/', policy: PLAYGROUND_POLICY });
    this.build = build;
  }

  /** What a browser is shown at the endpoint. */
  get endpoint(): EndpointPage | undefined {
    if (!this.config.playground) return undefined;
    return { document: this.documentOf('playground'), files: this.playground.assets };
  }

  /** Serves the dashboard, or the page with the addresses of the service. After `useHttpEntry`. */
  use(app: NestExpressApplication): void {
    const router = Router({ caseSensitive: true });
    if (this.config.dashboard) {
      router.use(this.dashboard.assets);
      router.get([...DASHBOARD_ROUTES], this.documentOf('dashboard'));
    } else {
      const landing = landingPage(this.config.publicUrl, this.config.playground);
      router.get('/', (_request, response) => sendDocument(response, landing, PLAIN_POLICY));
    }
    app.use(router);
    app.useGlobalFilters(new NoSuchPageFilter(app.getHttpAdapter()));
  }

  private documentOf(name: PageName): RequestHandler {
    return async (request, response, next) => {
      const state = this.build?.stateOf(name) ?? 'done';
      const page = this[name];
      if (state === 'done' && (await page.isBuilt())) return page.document(request, response, next);
      const why = state === 'done' ? 'absent' : state;
      response.status(503).set('retry-after', String(RETRY_S[why]));
      return sendDocument(response, absentPage(why, RETRY_S[why]), PLAIN_POLICY);
    };
  }
}
