import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hashOf } from './build.js';

const root = mkdtempSync(join(tmpdir(), 'build-hash-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(name: string, content: string): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), content);
}
const hash = () => hashOf(join(root, 'dist'), root, ['web/one.html', 'web/two.html']);

it('the build id changes with the programs and the documents, and only with them', async () => {
  write('dist/main.js', 'one');
  const seen = [await hash()];
  expect(seen[0]).toMatch(/^[\w-]{16}$/);
  for (const [name, content] of [
    ['dist/main.js', 'two'],
    ['dist/more.js', ''],
    ['web/one.html', 'one'],
    ['web/one.html', 'two'],
    ['web/two.html', 'one'],
  ] as const) {
    write(name, content);
    seen.push(await hash());
  }
  expect(new Set(seen).size).toBe(seen.length);
  write('dist/main.js.map', 'of no program');
  write('web/assets/index-1.js', 'named by its document');
  expect(await hash()).toBe(seen.at(-1));
});
