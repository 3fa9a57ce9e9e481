// Builds the pages whose sources have changed: `npm run build -w web`, or `node web/build.mjs [--compressed] [dashboard] [playground]`.
// Keeps the previous build in dist/previous/, for browsers that have loaded a page of it. Sends each result to a parent process.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const WEB = import.meta.dirname;
const PROJECT = join(WEB, '..');
const DIST = join(WEB, 'dist');
const PAGES = ['dashboard', 'playground'];
const STAMP = '.stamp';
const COMPRESSED = 'compressed';

const { values, positionals } = parseArgs({
  options: { compressed: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const pages = positionals.length > 0 ? positionals : PAGES;
const unknown = pages.find((page) => !PAGES.includes(page));
if (unknown !== undefined) throw new Error(`There is no page "${unknown}": ${PAGES.join(', ')}.`);

/** All files in and below `path`, in a stable order. */
function filesIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .toSorted()
    .flatMap((name) => filesIn(join(path, name)));
}

/** Hash of everything that a build of `page` depends on. */
function stampOf(page) {
  const beside = readdirSync(WEB).filter((name) => /\.(?:mjs|ts|json)$/.test(name));
  const own = [page, 'shared', ...beside.toSorted()].map((name) => join(WEB, name));
  const others = ['client/src', 'schema.gql', 'package-lock.json'].map((name) => join(PROJECT, name));
  const hash = createHash('sha256').update(process.version);
  for (const file of [...own, ...others].flatMap(filesIn)) {
    hash.update(`\0${file.slice(PROJECT.length)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** Whether the current build has this stamp and, if required, is compressed. */
function isUpToDate(page, stamp) {
  try {
    const [made, compressed] = readFileSync(join(DIST, page, STAMP), 'utf8').split('\n');
    return made === stamp && (compressed === COMPRESSED || !values.compressed);
  } catch {
    return false;
  }
}

const namesIn = (folder) => (existsSync(folder) ? readdirSync(folder) : []);

/** Removes folders of killed builds: their names end with the id of a process that no longer exists. */
function removeAbandoned() {
  for (const name of namesIn(DIST)) {
    const pid = /^\.building-[a-z]+-(\d{1,10})$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(DIST, name), { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const toGzip = promisify(gzip);
const toBrotli = promisify(brotliCompress);
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };

/** Writes compressed copies of text files of 1 KiB or more. */
async function compress(folder) {
  const texts = namesIn(folder).filter((name) => /\.(?:js|css|svg|json|wasm|ttf)$/.test(name));
  const compressOne = async (name) => {
    const text = await readFile(join(folder, name));
    if (text.length < 1_024) return;
    await writeFile(join(folder, `${name}.gz`), await toGzip(text, { level: 9 }));
    await writeFile(join(folder, `${name}.br`), await toBrotli(text, BROTLI));
  };
  await Promise.all(texts.map(compressOne));
}

/** Names of a build's files, which contain content hashes. Excludes compressed copies. */
const filesOf = (folder) =>
  namesIn(join(folder, 'assets'))
    .filter((name) => !/\.(?:br|gz)$/.test(name))
    .toSorted()
    .join();

/**
 * Publishes a complete build. The build that it replaces becomes the previous one, unless both have the same files. A running service
 * finds all files of the build that it knows at any time, here or in the previous build.
 */
function publish(page, made) {
  const [current, previous] = [join(DIST, page), join(DIST, 'previous', page)];
  if (existsSync(current) && filesOf(current) === filesOf(made)) {
    replaceFiles(made, current);
    return;
  }
  if (existsSync(current)) {
    mkdirSync(join(DIST, 'previous'), { recursive: true });
    rmSync(previous, { recursive: true, force: true });
    renameSync(current, previous);
  }
  renameSync(made, current);
}

/** Replaces the files of a build by those of an equal one, the stamp last. */
function replaceFiles(made, current) {
  for (const name of [...namesIn(join(made, 'assets')).map((file) => join('assets', file)), 'index.html', STAMP]) {
    renameSync(join(made, name), join(current, name));
  }
}

const temporary = (page) => join(DIST, `.building-${page}-${process.pid}`);

async function make(page, stamp) {
  const { build } = await import('vite');
  const outDir = temporary(page);
  await build({
    configFile: join(WEB, page, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir, emptyOutDir: true },
  });
  if (values.compressed) await compress(join(outDir, 'assets'));
  writeFileSync(join(outDir, STAMP), `${stamp}\n${values.compressed ? COMPRESSED : ''}`);
  publish(page, outDir);
}

const report = (page, state) => process.send?.({ page, state });

/** Builds `page` if its sources changed. Resolves to whether it is up to date. */
async function bringUpToDate(page) {
  const stamp = stampOf(page);
  if (isUpToDate(page, stamp)) {
    report(page, 'done');
    return true;
  }
  const since = performance.now();
  try {
    await make(page, stamp);
    process.stdout.write(`Built the ${page} in ${((performance.now() - since) / 1_000).toFixed(1)} s\n`);
    report(page, 'done');
    return true;
  } catch (error) {
    // Another process may have built it meanwhile.
    if (isUpToDate(page, stamp)) {
      report(page, 'done');
      return true;
    }
    process.stderr.write(`The ${page} could not be built: ${error?.stack ?? error}\n`);
    report(page, 'failed');
    return false;
  }
}

// Removes temporary folders when the build is stopped or its parent process has exited.
process.on('exit', () => {
  for (const page of pages) rmSync(temporary(page), { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
process.on('disconnect', () => process.exit(1));

removeAbandoned();
const results = await Promise.all(pages.map(bringUpToDate));
// Exits at once: handles that Vite leaves open would delay it.
process.exit(results.every(Boolean) ? 0 : 1);
