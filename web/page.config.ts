// Vite configuration shared by both pages. Each page extends it in its vite.config.ts.
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { mergeConfig, type UserConfig } from 'vite';

const inProject = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Configuration of the page in `web/<name>/`, whose paths begin with `base`. */
export function page(name: string, base: string, own: UserConfig = {}): UserConfig {
  const common: UserConfig = {
    root: inProject(`web/${name}`),
    base,
    cacheDir: inProject(`node_modules/.cache/vite/${name}`),
    publicDir: false,
    plugins: [react()],
    resolve: {
      // Resolves the client to its sources, so that it need not be built first.
      alias: [
        { find: /^@tidings\/client$/, replacement: inProject('client/src/index.ts') },
        { find: /^@tidings\/client\/(apollo|react|urql)$/, replacement: inProject('client/src/$1/index.ts') },
      ],
      dedupe: ['react', 'react-dom', 'graphql', '@apollo/client', 'rxjs'],
    },
    css: { transformer: 'lightningcss' },
    build: {
      target: 'baseline-widely-available',
      cssMinify: 'lightningcss',
      reportCompressedSize: false,
      // Inlined files would need `data:` in the Content-Security-Policy.
      assetsInlineLimit: 0,
    },
  };
  return mergeConfig(common, own);
}
