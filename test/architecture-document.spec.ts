// Pages for contributors: the files and identifiers that they name exist, and test/README.md lists every spec file.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

const LINK = /\[[^\]]*\]\(([^)#:\s]+)\)/g;
const names = (text: string) => [...text.matchAll(/`([A-Za-z]\w*)`/g)].map(([, name]) => name!);
const isName = (name: string) => /^[a-z]+[A-Z]|^[A-Z][a-z]+[A-Z]|^[a-z]+$/.test(name);

describe.each(['docs/architecture.md', 'CONTRIBUTING.md', 'docs/README.md', 'test/README.md'])(
  'the links of %s',
  (page) => {
    const text = readFileSync(page, 'utf8');
    const linked = [...text.matchAll(LINK)].map(([, path]) => join(dirname(page), path!));

    it('lead to existing files', () => {
      expect(linked.length).toBeGreaterThan(3);
      for (const file of linked) expect({ file, text: readFileSync(file, 'utf8') }).toMatchObject({ file });
    });
  },
);

describe('the walks of docs/architecture.md', () => {
  const walks = readFileSync('docs/architecture.md', 'utf8')
    .split('\n## ')
    .filter((section) => section.startsWith('One '));
  const steps = walks.flatMap((walk) => walk.split(/\n(?=\d+\. )/).slice(1));

  it('have at most ten links', () => {
    expect(walks).toHaveLength(2);
    for (const walk of walks) expect([...walk.matchAll(LINK)].length).toBeLessThanOrEqual(10);
  });

  it.each(steps)('name only identifiers of the linked files: %s', (step) => {
    const files = [...step.matchAll(LINK)].map(([, path]) => readFileSync(join('docs', path!), 'utf8'));
    expect(files.length).toBeGreaterThan(0);
    const known = [...names(step)].filter(isName);
    for (const name of known)
      expect(files.some((file) => new RegExp(`\\b${name}\\b`).test(file)) ? name : `no ${name}`).toBe(name);
  });
});

it('test/README.md lists every spec of test/', () => {
  const page = readFileSync('test/README.md', 'utf8');
  const specs = readdirSync('test').filter((name) => name.endsWith('.spec.ts'));
  expect(specs.filter((name) => !page.includes(`(./${name})`))).toEqual([]);
});
