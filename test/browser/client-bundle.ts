// The page that uses `@tidings/client`, with React and Apollo Client, bundled as any application is.
import { rolldown } from 'rolldown';
import { Site } from './browser.js';

const HTML = `<!doctype html>
<html lang="en"><meta charset="utf-8" /><title>A page of a client</title>
<div id="root"></div><script type="module" src="/page.js"></script></html>`;

/** Serves the page under every path. In `production` React does not check what it renders. */
export async function clientPages(mode: 'development' | 'production' = 'development'): Promise<Site> {
  const build = await rolldown({
    input: 'test/browser/client-page.jsx',
    platform: 'browser',
    transform: {
      define: { 'process.env.NODE_ENV': JSON.stringify(mode), 'globalThis.__DEV__': String(mode === 'development') },
    },
    resolve: { conditionNames: [mode, 'browser', 'import', 'default'] },
    logLevel: 'silent',
  });
  // The default of `sourcemapIgnoreList` is a regular expression, which the native part does not recognize from a test's own context.
  const { output } = await build.generate({ format: 'esm', codeSplitting: false, sourcemapIgnoreList: false });
  await build.close();
  return Site.listen(undefined, ({ url = '' }, response) => {
    if (url === '/page.js') response.setHeader('content-type', 'text/javascript').end(output[0].code);
    else response.setHeader('content-type', 'text/html').end(HTML);
  });
}
