// The shape of the code, held by checks: who may import whom (.dependency-cruiser.mjs), and how large things get.
// Every rule is shown to bite, on a small tree made for it that breaks each of them.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const root = process.cwd();
const MOST_LINES = 400;
const MOST_DEPENDENCIES = 6;

interface Verdict {
  readonly failed: boolean;
  readonly output: string;
  /** All that it finds, as "file: rule". Of a cycle, one file is named. */
  readonly violations: readonly string[];
}

/** Runs what `npm run imports` runs, on the tree in `directory`. */
async function imports(directory: string): Promise<Verdict> {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const options = ['--config', join(root, '.dependency-cruiser.mjs'), 'src'];
  const limits = { cwd: directory, maxBuffer: 64 * 1024 * 1024, timeout: 60_000 };
  const { failed, output } = await new Promise<Omit<Verdict, 'violations'>>((resolve) => {
    execFile(process.execPath, [program, ...options], limits, (error, said, complaint) =>
      resolve({ failed: !!error, output: said + complaint }),
    );
  });
  if (!/dependency violations? \(|no dependency violations found/.test(output))
    throw new Error(`dependency-cruiser did not run: ${output}`);
  const violations = [...output.matchAll(/^ *error (.+): (src\/\S+)/gm)].map(([, rule, from]) => `${from}: ${rule}`);
  return { failed, output, violations };
}

const importing = (specifier: string) => `import { a } from '${specifier}';\nexport const b = a;\n`;

/** Files that keep to the rules, and that the offenders below lean on. */
const SOUND = {
  'package.json': '{ "type": "module", "dependencies": { "ours": "1" }, "devDependencies": { "tool": "1" } }',
  ...Object.fromEntries(
    ['ours', 'tool', 'stray'].flatMap((name) => [
      [`node_modules/${name}/package.json`, `{ "name": "${name}", "version": "1.0.0", "exports": "./index.js" }`],
      [`node_modules/${name}/index.js`, 'export const a = 1;\n'],
    ]),
  ),
  'bench/load.ts': 'export const a = 1;\n',
  'test/support/ears.ts': 'export const a = 1;\n',
  'test/journeys/one.ts': 'export const a = 1;\n',
  'src/engine/config/config.ts': "import { cpus } from 'node:os';\nexport const a = cpus;\n",
  'src/engine/errors/errors.ts': 'export const a = 1;\n',
  'src/engine/events/log.ts': importing('../config/config.js'),
  'src/engine/events/log.contract.ts': `${importing('../../../test/support/ears.js')}import 'tool';\n`,
  'src/engine/events/log.spec.ts': `${importing('./log.contract.js')}import './log.js';\n`,
  'src/engine/events/circle-b.ts': importing('./circle-a.js'),
  'src/engine/events/types-b.ts': "import type { A } from './types-a.js';\nexport type B = A;\n",
  'src/engine/graphql/scalars.ts': importing('../events/log.js'),
  'src/engine/realtime/hub.ts': `${importing('../graphql/scalars.js')}import 'ours';\n`,
  'src/domain/migrations/one.ts': importing('../../engine/events/log.js'),
  'src/domain/projects/project.ts': importing('../../engine/realtime/hub.js'),
  'src/domain/updates/update.ts': `${importing('../projects/project.js')}import '../../engine/config/config.js';\n`,
  'src/main.ts': importing('./domain/updates/update.js'),
};

/** One file, what it holds, and the only rule that it breaks. */
const OFFENDERS: readonly (readonly [file: string, text: string, rule: string])[] = [
  ['src/engine/config/reads-errors.ts', importing('../errors/errors.js'), 'table: engine/config'],
  ['src/engine/database/follows.ts', importing('../events/log.js'), 'table: engine/database'],
  ['src/engine/events/ahead.ts', importing('../realtime/hub.js'), 'table: engine/events'],
  ['src/engine/events/ahead.spec.ts', importing('../realtime/hub.js'), 'table: engine/events'],
  ['src/engine/access/by-type.ts', "import type { a } from '../graphql/scalars.js';\n", 'table: engine/access'],
  ['src/engine/access/in-type.ts', "export type A = import('../graphql/scalars.js').a;\n", 'table: engine/access'],
  ['src/engine/access/lazily.ts', "export const a = import('../graphql/scalars.js');\n", 'table: engine/access'],
  ['src/engine/access/onward.ts', "export * from '../graphql/scalars.js';\n", 'table: engine/access'],
  ['src/engine/realtime/knows.ts', importing('../../domain/projects/project.js'), 'table: engine/realtime'],
  ['src/engine/realtime/boots.ts', importing('../../main.js'), 'table: engine/realtime'],
  ['src/domain/projects/back.ts', importing('../updates/update.js'), 'table: domain/projects'],
  ['src/domain/migrations/two.ts', importing('../projects/project.js'), 'table: domain/migrations'],
  ['src/engine/plugins/alone.ts', 'export const a = 1;\n', 'table: unknown folder'],
  ['src/domain/billing/bill.ts', importing('../../engine/events/log.js'), 'table: unknown folder'],
  ['src/domain/loose.ts', 'export const a = 1;\n', 'table: unknown folder'],
  ['src/library/any.ts', 'export const a = 1;\n', 'table: unknown folder'],
  ['src/engine/events/circle-a.ts', importing('./circle-b.js'), 'no-cycle'],
  ['src/engine/events/types-a.ts', "import type { B } from './types-b.js';\nexport type A = B;\n", 'no-cycle'],
  ['src/engine/events/index.ts', "export * from './log.js';\n", 'no-barrel'],
  ['src/engine/events/log-utils.ts', 'export const a = 1;\n', 'no-catch-all'],
  ['src/engine/events/helpers/any.ts', 'export const a = 1;\n', 'no-catch-all'],
  ['src/engine/events/common.ts', 'export const a = 1;\n', 'no-catch-all'],
  ['src/engine/events/uses-spec.ts', "import './log.spec.js';\n", 'no-test-in-source'],
  ['src/engine/events/uses-contract.ts', "import './log.contract.js';\n", 'no-test-in-source'],
  ['src/engine/events/uses-support.ts', importing('../../../test/support/ears.js'), 'no-test-in-source'],
  ['src/engine/events/far.spec.ts', importing('../../../test/journeys/one.js'), 'tests-use-test-support'],
  ['src/engine/events/outside.ts', importing('../../../bench/load.js'), 'stay-in-src'],
  ['src/engine/events/tooled.ts', importing('tool'), 'no-dev-dependency'],
  ['src/engine/events/tool-types.ts', "import type { a } from 'tool';\n", 'no-dev-dependency'],
  ['src/engine/events/lucky.ts', importing('stray'), 'declared-dependency'],
  ['src/engine/events/lost.ts', importing('./gone.js'), 'resolvable'],
];

describe('who may import whom', () => {
  let directory: string;
  let found: Verdict;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-architecture-'));
    const offenders = OFFENDERS.map(([file, text]) => [file, text] as const);
    for (const [file, text] of [...Object.entries(SOUND), ...offenders]) {
      await mkdir(dirname(join(directory, file)), { recursive: true });
      await writeFile(join(directory, file), text);
    }
    found = await imports(directory);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('is kept by the whole of src/', async () => {
    expect(await imports(root)).toMatchObject({ failed: false, violations: [] });
  });

  it.each(OFFENDERS)('is broken by %s', (file, _text, rule) => {
    expect(found.violations.filter((violation) => violation.startsWith(`${file}: `))).toEqual([`${file}: ${rule}`]);
  });

  it('is kept by the sound files beside them', () => {
    const offending = new Set(OFFENDERS.map(([file, , rule]) => `${file}: ${rule}`));
    expect(found.violations.filter((violation) => !offending.has(violation))).toEqual([]);
  });

  it('fails the command when it is not kept', () => {
    expect(found.output).toContain(
      `${OFFENDERS.length} dependency violations (${OFFENDERS.length} errors, 0 warnings)`,
    );
    expect(found.failed).toBe(true);
  });
});

/** Constructor parameters, and properties that the container fills. */
function dependencies(node: ts.ClassLikeDeclaration): number {
  return node.members.reduce((count, member) => {
    if (ts.isConstructorDeclaration(member)) return count + (member.body ? member.parameters.length : 0);
    const injected =
      ts.canHaveDecorators(member) && ts.getDecorators(member)?.some((one) => one.getText().startsWith('@Inject'));
    return injected ? count + 1 : count;
  }, 0);
}

function complaints(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
  const lines = text.trimEnd().split('\n').length;
  const found = lines > MOST_LINES ? [`${file}: ${lines} lines`] : [];
  const visit = (node: ts.Node): void => {
    if (ts.isClassLike(node) && dependencies(node) > MOST_DEPENDENCIES)
      found.push(`${file}: ${node.name?.text ?? 'a class'} has ${dependencies(node)} dependencies`);
    if (ts.isIdentifier(node) && node.text === 'forwardRef') found.push(`${file}: forwardRef`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const service = (count: number, more = '') =>
  `@Injectable() export class S { ${more} constructor(${'readonly d: D, '.repeat(count)}) {} }`;

describe('files that fit in the head', () => {
  it('are all there are', async () => {
    const files = (await readdir(join(root, 'src'), { recursive: true })).filter((file) => file.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(50);
    const all = await Promise.all(
      files.map(async (file) => complaints(file, await readFile(join(root, 'src', file), 'utf8'))),
    );
    expect(all.flat()).toEqual([]);
  });

  it('have at most 400 lines', () => {
    expect(complaints('a.ts', 'let a;\n'.repeat(400))).toEqual([]);
    expect(complaints('a.ts', 'let a;\n'.repeat(401))).toEqual(['a.ts: 401 lines']);
  });

  it('have classes of at most six dependencies, however they are injected', () => {
    expect(complaints('s.ts', service(6))).toEqual([]);
    expect(complaints('s.ts', service(7))).toEqual(['s.ts: S has 7 dependencies']);
    expect(complaints('s.ts', service(6, '@Inject(P) private readonly p: P;'))).toEqual(['s.ts: S has 7 dependencies']);
  });

  it('break circles instead of deferring them', () => {
    expect(complaints('m.ts', '@Module({ imports: [forwardRef(() => A)] }) export class M {}')).toEqual([
      'm.ts: forwardRef',
    ]);
  });
});
