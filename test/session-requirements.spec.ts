// The table of ASVS requirements in test/session-requirements.md is complete, and the tests it names exist.
import { existsSync, readFileSync } from 'node:fs';

const PAGE = readFileSync('test/session-requirements.md', 'utf8');
const REQUIREMENTS =
  '3.3.1 3.3.2 3.3.3 3.3.4 3.5.1 3.5.2 3.5.3 7.1.1 7.1.2 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.5 7.5.2 9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 10.4.5 10.4.8 10.4.9'.split(
    ' ',
  );

interface Row {
  readonly id: string;
  readonly tests: readonly (readonly [file: string, name: string])[];
}

function rows(): Row[] {
  return [...PAGE.matchAll(/^\| \*\*([\d.]+)\*\* .*\|(?<held>[^|]+)\|$/gm)].map(({ 1: id, groups }) => ({
    id: id!,
    tests: groups!['held']!.split('<br>').map((test) => {
      const [, file, name] = /^ *`([^`]+)` › (.+?) *$/.exec(test) ?? [];
      return [file ?? test, name ?? 'no test'] as const;
    }),
  }));
}

/** Names of the tests in a file, as they stand there: what `%s` is filled with does not matter here. */
function namesIn(file: string): string[] {
  const source = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return [...source.matchAll(/(?:\bit|\)|>)\(\s*(['"`])(?<name>.+?)\1,/g)].map(({ groups }) => groups!['name']!);
}

it('test/session-requirements.md names every requirement once', () => {
  expect(rows().map(({ id }) => id)).toEqual(REQUIREMENTS);
});

it.each(rows().flatMap(({ id, tests }) => tests.map(([file, name]) => [id, file, name])))(
  'ASVS %s is verified by a test of %s: %s',
  (_id, file, name) => {
    expect(namesIn(file)).toContain(name);
  },
);
