// The frontends that docs/frontend.md prints, as projects that Vite builds.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Consumer } from './consumer.js';
import { type Block, blocksOf, fileNameOf } from './printed-code.js';

const FRONTEND = 'docs/frontend.md';
export const PAGES = [FRONTEND, 'client/README.md', 'README.md'];

/** Whether it is for frontends. test/frontend.spec.ts runs those, test/documented-code.spec.ts what is in docs/examples, and all others. */
export const isForFrontends = (block: Block): boolean =>
  !existsSync(join('docs/examples', fileNameOf(block) ?? '-')) &&
  (block.path !== 'README.md'
    ? PAGES.includes(block.path)
    : /from '@tidings\/client'|^ALLOWED_ORIGINS=/.test(block.text));

/** What `npm create vite` writes, as far as it counts. */
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

/** A project with the files that the page prints for this kind, and the packages that it says to install, built by Vite. */
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

/** A page whose only script is what README.md prints as live.js, built by Vite. */
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

/** ALLOWED_ORIGINS, as README.md starts the service for that page. */
export function printedOrigins(): string {
  const line = blocksOf('README.md').find(({ text }) => text.startsWith('ALLOWED_ORIGINS='))!.text;
  return /^ALLOWED_ORIGINS=(\S+) npm start\n$/.exec(line)![1]!;
}

/** Its page, and what else it asks for, by path. */
export function servedBy({ folder }: Consumer): (path: string) => readonly [type: string, body: Buffer] {
  return (path) => {
    const isScript = path.endsWith('.js');
    return [
      isScript ? 'text/javascript' : 'text/html',
      readFileSync(`${folder}/dist${isScript ? path : '/index.html'}`),
    ];
  };
}
