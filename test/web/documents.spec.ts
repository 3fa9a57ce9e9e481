// The typed documents of the pages are those of schema.gql and of their .graphql files.
import { spawnSync } from 'node:child_process';

it('typed documents of the pages are up to date', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['web/documents.mjs', '--check'], {
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});
