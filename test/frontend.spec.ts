// Runs the code that docs/frontend.md, README.md and the client's README print for frontends, in a project outside this
// repository with the packed client; events arrive after a lost connection. The pages are built here;
// test/browser/frontend.spec.ts opens them.
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Consumer } from './support/consumer.js';
import { postUpdate } from './support/factories.js';
import { GraphqlClient } from './support/graphql-client.js';
import { type Block, blocksOf, fileNameOf } from './support/printed-code.js';
import { buildFrontend, buildLiveScript, isForFrontends, type Kind, PAGES } from './support/printed-pages.js';
import { startTcpProxy, type TcpProxy } from './support/tcp-proxy.js';
import { TestTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const ROOT = process.cwd();
const BLOCKS = PAGES.flatMap(blocksOf).filter(isForFrontends);

let service: TestTidings;
let proxy: TcpProxy;
let editor: GraphqlClient;
let projectId: string;
const consumers: Consumer[] = [];
beforeAll(async () => {
  service = await TestTidings.start({ env: { DEMO: 'true' } });
  proxy = await startTcpProxy(Number(new URL(service.url).port));
  const login = 'mutation { login(input: { email: "editor@example.com", password: "tidings-demo" }) { accessToken } }';
  editor = new GraphqlClient(service.url, (await new GraphqlClient(service.url).data(login)).login.accessToken);
  const create = 'mutation { createProject(input: { key: "COMET", name: "Comet" }) { id } }';
  projectId = (await editor.data(create)).createProject.id;
});
afterAll(async () => {
  for (const consumer of consumers) consumer.remove();
  await proxy?.stop();
  await service?.stop();
});

/** A project with packages, in which localhost:4000 is the proxy before the service, and these blocks. */
async function project(packages: readonly string[], blocks: readonly Block[]): Promise<Consumer> {
  const consumer = await Consumer.make(packages, {
    NODE_OPTIONS: `--import=${join(ROOT, 'test/fixtures/elsewhere.mjs')}`,
    TIDINGS_UNDER_TEST: `127.0.0.1:${proxy.port}`,
  });
  consumers.push(consumer);
  for (const block of blocks) consumer.write({ [fileNameOf(block)!]: block.text });
  return consumer;
}

const named = (name: string): Block => BLOCKS.find((block) => fileNameOf(block) === name)!;

/** Posts until a program has said it: it may not have subscribed yet. */
async function postUntil(run: { readonly output: string }, title: string, health = 'ON_TRACK'): Promise<void> {
  await postUpdate(editor, projectId, { title, health });
  await until(() => run.output.includes(title), `it had shown ${title}: ${run.output}`);
}

async function comments(): Promise<number> {
  const query = 'query ($id: ID!) { project(id: $id) { comments(first: 100) { nodes { body } } } }';
  const { nodes } = (await editor.data(query, { id: projectId })).project.comments;
  return nodes.filter(({ body }: { body: string }) => body === 'Who can help?').length;
}

/** It comments once on each update in trouble, whatever becomes of its connection and of itself. */
async function asBot(block: Block): Promise<void> {
  const bot = await project([], [block]);
  const command = BLOCKS.find(({ text }) => text === 'node bot.mjs\n')!.text;
  const run = bot.begin(command);
  await service.watching(1);
  await postUntil(run, 'Fog', 'OFF_TRACK');
  proxy.cut();
  await postUntil(run, 'Storm', 'OFF_TRACK');
  await until(async () => (await comments()) === 2, 'it had commented twice');
  await until(() => existsSync(join(bot.folder, 'cursor.txt')), 'it had kept its cursor');
  const kept = readFileSync(join(bot.folder, 'cursor.txt'), 'utf8');
  run.stop();
  await run.ended;
  await postUpdate(editor, projectId, { title: 'Flood', health: 'OFF_TRACK' });
  // Stopped between the work and its note: the work is not done twice.
  bot.write({ 'cursor.txt': kept });
  const again = bot.begin(command);
  await until(() => again.output.includes('Flood'), 'it had gone on', 60_000);
  await postUntil(again, 'Calm');
  expect(await comments()).toBe(3);
  again.stop();
  await again.ended;
}

/** It shows events, also after a cut. */
async function asWatcher(block: Block): Promise<void> {
  const watcher = await project([], [block]);
  const run = watcher.begin(`node ${fileNameOf(block)}`);
  await service.watching(1);
  await postUpdate(editor, projectId);
  await until(() => run.output === 'Comet UPDATE_POSTED\n', `it had shown it: ${run.output}`);
  proxy.cut();
  await postUpdate(editor, projectId);
  await until(() => run.output === 'Comet UPDATE_POSTED\n'.repeat(2), `it had shown the next one: ${run.output}`);
  run.stop();
  await run.ended;
}

/** It passes with the printed command, and not without its flag. */
async function asJestTest(block: Block): Promise<void> {
  const consumer = await project(['jest'], [block]);
  // The command has NODE_OPTIONS of its own.
  consumer.write({
    'elsewhere.cjs': readFileSync('test/fixtures/elsewhere.mjs', 'utf8'),
    'package.json': '{ "type": "module", "jest": { "setupFiles": ["./elsewhere.cjs"] } }',
  });
  expect(await consumer.run(BLOCKS.find(({ text }) => text.includes('npx jest'))!.text)).toMatch(/Tests: +1 passed/);
  await expect(consumer.run('jest')).rejects.toThrow('ES Module');
}

/** The modules of the client's README: signed in, and events that come after a cut. */
async function asModules(): Promise<void> {
  const consumer = await project([], [named('sign-in.mjs'), named('follow.mjs')]);
  consumer.write({
    'main.mjs': `import { signIn, tidings } from './sign-in.mjs';
import { follow } from './follow.mjs';
console.log(await signIn('editor@example.com', 'wrong'));
console.log(await signIn('editor@example.com', 'tidings-demo'));
const stop = follow((line) => (console.log(line), /Last/.test(line) && (stop(), tidings.close())));`,
  });
  const run = consumer.begin('node main.mjs');
  await until(() => run.output.includes('live\n'), `it was live: ${run.output}`);
  expect(run.output).toMatch(/^E-mail address or password is wrong\.\nSigned in\n(.+\n)*Comet /);
  await postUntil(run, 'Before');
  proxy.cut();
  await postUntil(run, 'Last');
  expect(await run.ended).toBe(0);
  expect(run.output.match(/Comet UPDATE_POSTED \w+/g)).toEqual(
    ['Before', 'Last'].map((title) => `Comet UPDATE_POSTED ${title}`),
  );
}

/** Codegen makes types by the printed configuration, and TypeScript finds what is wrong. */
async function asTyped(): Promise<void> {
  const packages = ['@apollo/client', '@graphql-typed-document-node/core', '@types/react', 'graphql', 'react', 'rxjs'];
  const consumer = await project(packages, [named('codegen.ts'), named('src/Latest.tsx')]);
  symlinkSync(join(ROOT, 'schema.gql'), join(consumer.folder, 'schema.gql'));
  symlinkSync(join(ROOT, 'test/fixtures/codegen.mjs'), join(consumer.folder, 'codegen.mjs'));
  const strict = { strict: true, verbatimModuleSyntax: true, noEmit: true, skipLibCheck: true };
  const page = { target: 'es2023', module: 'esnext', moduleResolution: 'bundler', jsx: 'react-jsx', types: [] };
  consumer.write({
    'tsconfig.json': JSON.stringify({
      compilerOptions: { ...strict, ...page, lib: ['es2023', 'dom'] },
      include: ['src'],
    }),
  });
  await consumer.run('node codegen.mjs');
  await consumer.run('tsc -p .');
  consumer.write({ 'src/Latest.tsx': named('src/Latest.tsx').text.replace('variables: { id }', 'variables: {}') });
  await expect(consumer.run('tsc -p .')).rejects.toThrow("'id' is missing");
}

/** Commands: npm knows the scripts, and the packages are those that the other tests here have. */
async function asCommands({ text }: Block): Promise<void> {
  const { scripts, devDependencies, dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const known = new Set(Object.keys({ ...devDependencies, ...dependencies }));
  known.add('@tidings/client').add('../tidings-client-0.1.0.tgz');
  const isKnown = (line: string): boolean => {
    const [command, action = '', ...words] = line.replace(/^([A-Z_]+=\S+ )*/, '').split(' ');
    if (command !== 'npm') return ['cd', 'node', 'npx'].includes(command ?? '');
    if (action === 'install') return words.every((name) => known.has(name));
    // `dev` is a script of what `npm create vite` makes.
    if (action === 'run') return [...Object.keys(scripts), 'dev'].includes(words[0] ?? '');
    return ['ci', 'start', 'create', 'pack'].includes(action);
  };
  expect(
    text
      .trim()
      .split('\n')
      .filter((line) => !isKnown(line)),
  ).toEqual([]);
}

async function asPage(kind: Kind): Promise<void> {
  const consumer = await buildFrontend(kind);
  consumers.push(consumer);
  expect(existsSync(join(consumer.folder, 'dist/index.html'))).toBe(true);
}
async function asLiveScript(): Promise<void> {
  const consumer = await buildLiveScript();
  consumers.push(consumer);
  expect(existsSync(join(consumer.folder, 'dist/index.html'))).toBe(true);
}
const asApolloPage = () => asPage('Apollo Client');
const asUrqlPage = () => asPage('urql');

/** How a block is run; undefined: nobody knows. */
function wayOf(block: Block): ((block: Block) => Promise<void>) | undefined {
  switch (fileNameOf(block)) {
    case 'src/tidings.js':
    case 'src/App.jsx':
    case 'src/Projects.jsx':
      return block.text.includes("from 'urql'") ? asUrqlPage : asApolloPage;
    case 'bot.mjs':
      return asBot;
    case 'live.js':
      return asLiveScript;
    case 'events.mjs':
      return asWatcher;
    case 'tidings.test.js':
      return asJestTest;
    case 'sign-in.mjs':
    case 'follow.mjs':
      return asModules;
    case 'codegen.ts':
    case 'src/Latest.tsx':
      return asTyped;
    default:
      return block.language === 'sh' ? asCommands : undefined;
  }
}

describe('documented frontend code', () => {
  const done = new Map<unknown, Promise<void>>();
  const ways = new Map(
    BLOCKS.map((block) => [`${block.path}:${block.line} ${fileNameOf(block) ?? block.language}`, block]),
  );

  it.each([...ways])('%s runs as it stands', async (title, block) => {
    const run = wayOf(block);
    if (!run) throw new Error(`Nothing here knows how to run ${title} of ${block.path}: add a way to wayOf.`);
    // Blocks that belong together are run together, once.
    const once = run === asCommands ? run(block) : (done.get(run) ?? run(block));
    done.set(run, once);
    await expect(once).resolves.toBeUndefined();
  });
});
