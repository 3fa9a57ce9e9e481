// Modules loaded by the bundled programs: dependencies are replaced as rolldown.config.mjs specifies.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = 'dist/bin';
const IMPORTED = /(?:from |import |import\()"\.\/([\w.-]{1,100}\.js)"/g;

/** The text of `program` and of all the chunks that it can load. Chunks of earlier builds lie beside them. */
function loadedBy(program: string): string {
  const texts = new Map<string, string>();
  const add = (file: string): void => {
    if (texts.has(file)) return;
    const text = readFileSync(join(DIRECTORY, file), 'utf8');
    texts.set(file, text);
    for (const [, name = ''] of text.matchAll(IMPORTED)) add(name);
  };
  add(program);
  return [...texts.values()].join('\n');
}

it("Apollo's request hash uses node:crypto in the bundle", () => {
  const loaded = loadedBy('main.js');
  // Apollo is in it, and so is what it hashes queries with.
  expect(loaded).toContain('computeQueryHash');
  expect(loaded).not.toContain('Sha256.prototype._update');
});
