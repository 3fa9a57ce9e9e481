// That `npm run lint` refuses a regular expression that takes longer than its text is long.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const CONFIG = JSON.parse(readFileSync('.oxlintrc.json', 'utf8')) as {
  jsPlugins: string[];
  rules: Record<string, string>;
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

/** Lines of a file that the rule refuses, of one expression a line. */
async function refusedLines(expressions: readonly string[]): Promise<readonly number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-lint-'));
  try {
    const config = { jsPlugins: CONFIG.jsPlugins.map((path) => resolve(path)), rules: { 'regexp/linear': 'error' } };
    writeFileSync(join(folder, '.oxlintrc.json'), JSON.stringify(config));
    writeFileSync(
      join(folder, 'file.ts'),
      expressions.map((text, n) => `export const r${n} = () => ${text};`).join('\n'),
    );
    const oxlint = resolve('node_modules/oxlint/bin/oxlint');
    const options = { cwd: folder, env: { ...process.env, NO_COLOR: '1' } };
    const args = [oxlint, '--config', '.oxlintrc.json', '--format', 'json', 'file.ts'];
    const { stdout } = await promisify(execFile)(process.execPath, args, options).catch(
      (error: unknown) => error as { stdout: string },
    );
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { code?: string; labels: { span: { line: number } }[] }[];
    };
    return diagnostics.filter(({ code }) => code?.includes('linear')).map(({ labels: [label] }) => label!.span.line);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('regexp/linear refuses superlinear and composed expressions', async () => {
  expect(CONFIG.rules['regexp/linear']).toBe('error');
  expect(await refusedLines(BAD)).toEqual(BAD.map((_, index) => index + 1));
});

it('regexp/linear accepts linear expressions', async () => {
  expect(await refusedLines(GOOD)).toEqual([]);
});
