// `npm run lint` refuses superlinear regular expressions, and switches whose default hides an unhandled case of a
// union.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const CONFIG = JSON.parse(readFileSync('.oxlintrc.json', 'utf8')) as {
  jsPlugins: string[];
  rules: Record<string, string>;
  overrides: { files: string[]; rules: Record<string, unknown> }[];
};
const BAD = [
  String.raw`/(cannot represent [^:]*):.*$/s`,
  String.raw`/^(a+)+$/`,
  String.raw`/\s+$/`,
  String.raw`/(a|a)*b/`,
  String.raw`/^(.*),found (.*);/`,
  String.raw`/^(?:a|ab)*c|d+e/`,
  String.raw`/(a{1,50}){1,50}$/`,
  String.raw`/^[^@]+@[^@]+\.[^@]+$/`,
  String.raw`/^x/m.test('') && /x.*y/`,
  String.raw`new RegExp('\\d+x')`,
  String.raw`new RegExp(process.argv[2])`,
  String.raw`RegExp(process.argv[2], 'u')`,
];
const GOOD = [
  String.raw`/^Bearer +([A-Za-z0-9_.-]+) *$/i`,
  String.raw`/"[^"]*"/g`,
  String.raw`/[^\S\r\n]+/g`,
  String.raw`/^[a-z]+:\/\/[a-z.]+(?::\d{1,5})?$/`,
  String.raw`new RegExp('^x')`,
  String.raw`/^\{.*\}$/`,
];

/** Lines of a file that the rule refuses. */
async function refusedLines(lines: readonly string[], rule: string, settings: unknown): Promise<readonly number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-lint-'));
  try {
    const config = {
      jsPlugins: CONFIG.jsPlugins.map((path) => resolve(path)),
      options: { typeAware: true },
      rules: { [rule]: settings },
    };
    writeFileSync(join(folder, '.oxlintrc.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { strict: true } }));
    writeFileSync(join(folder, 'file.ts'), lines.join('\n'));
    const oxlint = resolve('node_modules/oxlint/bin/oxlint');
    const options = { cwd: folder, env: { ...process.env, NO_COLOR: '1' } };
    const args = [oxlint, '--config', '.oxlintrc.json', '--format', 'json', 'file.ts'];
    const { stdout } = await promisify(execFile)(process.execPath, args, options).catch(
      (error: unknown) => error as { stdout: string },
    );
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { code?: string; labels: { span: { line: number } }[] }[];
    };
    const name = rule.split('/')[1]!;
    return diagnostics.filter(({ code }) => code?.includes(name)).map(({ labels: [label] }) => label!.span.line);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const switchOf = (cases: string) => `(kind: 'A' | 'B') => { switch (kind) { ${cases} } return 2; }`;
const expressions = (texts: readonly string[]) => texts.map((text, n) => `export const r${n} = () => ${text};`);

it('regexp/linear refuses superlinear and composed expressions', async () => {
  expect(CONFIG.rules['regexp/linear']).toBe('error');
  const refused = await refusedLines(expressions(BAD), 'regexp/linear', 'error');
  expect(refused).toEqual(BAD.map((_, index) => index + 1));
});

it('regexp/linear accepts linear expressions', async () => {
  expect(await refusedLines(expressions(GOOD), 'regexp/linear', 'error')).toEqual([]);
});

it('a switch over a union has all cases and no default, so that a new event kind fails to compile', async () => {
  const rule = 'typescript/switch-exhaustiveness-check';
  const settings = CONFIG.overrides.find(({ files }) => files.includes('src/**'))?.rules[rule];
  expect(settings).toBeDefined();
  const refused = await refusedLines(
    expressions([
      switchOf(`case 'A': case 'B': return 1;`),
      switchOf(`case 'A': return 1;`),
      switchOf(`case 'A': default: return 1;`),
      switchOf(`case 'A': case 'B': return 1; default: return 3;`),
    ]),
    rule,
    settings,
  );
  expect(refused).toEqual([2, 3, 4]);
});
