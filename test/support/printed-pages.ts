// Vite projects made of the code printed in docs/frontend.md and README.md.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Consumer } from './consumer.js';
import { type Block, blocksOf, fileNameOf } from './printed-code.js';

const FRONTEND = 'docs/frontend.md';
export const PAGES = [FRONTEND, 'client/README.md', 'README.md'];

/**
 * Whether the block is frontend code, which test/frontend.spec.ts runs; test/documented-code.spec.ts runs docs/examples
 * and all other blocks.
 */
export const isForFrontends = (block: Block): boolean =>
  !existsSync(join('docs/examples', fileNameOf(block) ?? '-')) &&
  (block.path !== 'README.md'
    ? PAGES.includes(block.path)
    : /from '@tidings\/client'|^ALLOWED_ORIGINS=/.test(block.text));

/** The relevant files of `npm create vite`. */
const TEMPLATE = {
  'index.html': '<!doctype html><div id="root"></div><script type="module" src="/src/main.jsx"></script>',
  'src/main.jsx': `import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import App from './App.jsx'

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
`,
};

export type Kind = 'Apollo Client' | 'urql';
const PACKAGES: Readonly<Record<Kind, readonly string[]>> = {
  'Apollo Client': ['@apollo/client', 'graphql', 'rxjs'],
  urql: ['urql', '@urql/core', 'graphql'],
};

const isOf = (kind: Kind, { text }: Block): boolean =>
  !text.startsWith('// src/Projects.jsx') || text.includes("from 'urql'") === (kind === 'urql');

/**
 * Builds a Vite project with the files printed for this kind, and the packages that the page tells readers to install.
 */
export async function buildFrontend(kind: Kind): Promise<Consumer> {
  const installed = blocksOf(FRONTEND).find(({ text }) => text.includes(`${PACKAGES[kind].join(' ')}\n`));
  if (!installed) throw new Error(`${FRONTEND} does not say to install ${PACKAGES[kind].join(' ')}`);
  const consumer = await Consumer.make(['react', 'react-dom', ...PACKAGES[kind]]);
  consumer.write(TEMPLATE);
  for (const block of blocksOf(FRONTEND))
    if (/^\/\/ src\/.*\.jsx?\n/.test(block.text) && isOf(kind, block))
      consumer.write({ [fileNameOf(block)!]: block.text });
  await consumer.run('vite build --logLevel error');
  return consumer;
}

/** Builds a page whose only script is live.js as printed in README.md. */
export async function buildLiveScript(): Promise<Consumer> {
  const consumer = await Consumer.make(PACKAGES['Apollo Client']);
  const block = blocksOf('README.md').find((candidate) => fileNameOf(candidate) === 'live.js')!;
  consumer.write({
    'index.html': '<!doctype html><body><script type="module" src="/live.js"></script>',
    'live.js': block.text,
  });
  await consumer.run('vite build --logLevel error');
  return consumer;
}

/** ALLOWED_ORIGINS in README.md's command for that page. */
export function printedOrigins(): string {
  const line = blocksOf('README.md').find(({ text }) => text.startsWith('ALLOWED_ORIGINS='))!.text;
  return /^ALLOWED_ORIGINS=(\S+) npm start\n$/.exec(line)![1]!;
}

/** Serves the built page and its assets by path. */
export function servedBy({ folder }: Consumer): (path: string) => readonly [type: string, body: Buffer] {
  return (path) => {
    const isScript = path.endsWith('.js');
    return [
      isScript ? 'text/javascript' : 'text/html',
      readFileSync(`${folder}/dist${isScript ? path : '/index.html'}`),
    ];
  };
}
