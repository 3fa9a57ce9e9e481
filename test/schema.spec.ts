// `schema.gql` and `docs/permissions.md`, the contract in the repository, match the code. `npm run schema` writes them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { policiesOf } from '../src/engine/access/policy.js';
import { printPolicySchema } from '../src/engine/graphql/schema/schema-file.js';
import { permissionsOf, printPermissions } from './support/permission-table.js';
import { useTidings } from './support/tidings.js';

const tidings = useTidings();
const schema = () => tidings.current.app.get(GraphQLSchemaHost).schema;

/** What the repository has; `npm run schema` makes it what it should be. */
function committed(file: string, printed: string): string {
  if (process.env['npm_lifecycle_event'] === 'schema') writeFileSync(file, printed);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

describe('the schema', () => {
  it('equals schema.gql', () => {
    const printed = printPolicySchema(schema());
    expect(committed('schema.gql', printed)).toBe(printed);
  });

  it('grants what docs/permissions.md lists', async () => {
    const printed = printPermissions(await permissionsOf(schema()));
    expect(committed('docs/permissions.md', printed)).toBe(printed);
  });

  it('allows anonymous access to the listed root fields only', () => {
    const roots = [schema().getQueryType()!, schema().getMutationType()!, schema().getSubscriptionType()!];
    const open = roots.flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => policiesOf(field.extensions).some(({ directive }) => directive.name === 'public'))
        .map((field) => `${type.name}.${field.name}`),
    );
    expect(open.toSorted()).toEqual([
      'Mutation.login',
      'Mutation.refresh',
      'Mutation.register',
      'Mutation.requestPasswordReset',
      'Mutation.resetPassword',
    ]);
  });
});
