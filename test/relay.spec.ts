// Relay's compiler accepts the schema and the operations of a page.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The program for this machine, which the package has. */
const relay = createRequire(import.meta.url)('relay-compiler') as string;

it('relay-compiler accepts the schema: connections, refetching by `node`, timestamps as text', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-relay-'));
  try {
    for (const file of ['schema.gql', 'test/fixtures/relay/wall.js'])
      copyFileSync(file, join(folder, file.split('/').at(-1)!));
    const config = {
      src: '.',
      schema: 'schema.gql',
      language: 'typescript',
      customScalarTypes: { DateTime: 'string', JSON: 'unknown' },
    };
    writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(config));
    await promisify(execFile)(relay, ['relay.config.json'], { cwd: folder });
    const made = (name: string) => readFileSync(join(folder, '__generated__', `${name}.graphql.ts`), 'utf8');
    expect(made('wallProjectQuery')).toContain('node(id: $id)');
    expect(made('wall_projects')).toContain('readonly createdAt: string;');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
