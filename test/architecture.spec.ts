// The import rules of .dependency-cruiser.mjs, applied to a small tree with one violation per rule. `npm run lint`
// applies them to src/, together with the limits on lines, dependencies and forwardRef.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Runs `npm run imports` on the tree in `directory`: violations as "file: rule", of a cycle one file. */
async function violationsOf(directory: string): Promise<string[]> {
  const program = join(process.cwd(), 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const options = [program, '--config', join(process.cwd(), '.dependency-cruiser.mjs'), 'src'];
  const { status, output } = await new Promise<{ status: unknown; output: string }>((resolve) => {
    execFile(process.execPath, options, { cwd: directory }, (error, out, problems) =>
      resolve({ status: error?.code, output: out + problems }),
    );
  });
  // The number of errors.
  expect({ status, output }).toEqual({ status: OFFENDERS.length, output: expect.any(String) });
  return [...output.matchAll(/^ *error (.+): (src\/\S+)/gm)].map(([, rule, from]) => `${from}: ${rule}`);
}

const importing = (specifier: string) => `import { a } from '${specifier}';\nexport const b = a;\n`;

/** Files that obey the rules and that the offenders import. */
const VALID = {
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
  'src/engine/events/log.ts': importing('../config/config.js'),
  'src/engine/events/log.contract.ts': `${importing('../../../test/support/ears.js')}import 'tool';\n`,
  'src/engine/events/log.spec.ts': `${importing('./log.contract.js')}import './log.js';\n`,
  'src/engine/events/types-b.ts': "import type { A } from './types-a.js';\nexport type B = A;\n",
  'src/engine/realtime/fan-out/hub.ts': `${importing('../../events/log.js')}import 'ours';\n`,
  'src/engine/realtime/sockets/sessions.port.ts': 'export const a = 1;\n',
  'src/engine/sessions/session.ts': importing('../realtime/sockets/sessions.port.js'),
  'src/domain/updates/update.ts': importing('../../engine/realtime/fan-out/hub.js'),
  'src/main.ts': importing('./domain/updates/update.js'),
};

/** A file, its content, and the only rule that it breaks. */
const OFFENDERS = [
  ['src/engine/events/ahead.ts', "import type { a } from '../realtime/fan-out/hub.js';\n", 'table: engine/events'],
  ['src/engine/plugins/alone.ts', 'export const a = 1;\n', 'table: unknown folder'],
  ['src/engine/sessions/reaches.ts', importing('../realtime/fan-out/hub.js'), 'sessions-provide-ports'],
  ['src/engine/events/types-a.ts', "import type { B } from './types-b.js';\nexport type A = B;\n", 'no-cycle'],
  ['src/engine/events/index.ts', "export * from './log.js';\n", 'no-barrel'],
  ['src/engine/events/log-utils.ts', 'export const a = 1;\n', 'no-catch-all'],
  ['src/engine/events/uses-contract.ts', "import './log.contract.js';\n", 'no-test-in-source'],
  ['src/engine/events/far.spec.ts', importing('../../../test/journeys/one.js'), 'tests-use-test-support'],
  ['src/engine/events/outside.ts', importing('../../../bench/load.js'), 'stay-in-src'],
  ['src/engine/events/tool-types.ts', "import type { a } from 'tool';\n", 'no-dev-dependency'],
  ['src/engine/events/lucky.ts', importing('stray'), 'declared-dependency'],
  ['src/engine/events/lost.ts', importing('./gone.js'), 'resolvable'],
] as const;

it('the import rules refuse one offender each and nothing else', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-architecture-'));
  try {
    const offenders = OFFENDERS.map(([file, text]) => [file, text] as const);
    for (const [file, text] of [...Object.entries(VALID), ...offenders]) {
      await mkdir(dirname(join(directory, file)), { recursive: true });
      await writeFile(join(directory, file), text);
    }
    const expected = OFFENDERS.map(([file, , rule]) => `${file}: ${rule}`);
    expect((await violationsOf(directory)).toSorted()).toEqual(expected.toSorted());
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
