// `schema.gql` is the contract in the repository: it says what the code says, or this fails. `npm run schema` writes it.
import { readFileSync, writeFileSync } from 'node:fs';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { policiesOf } from '../src/engine/access/policy.js';
import { printPolicySchema } from '../src/engine/graphql/schema-file.js';
import { useTidings } from './support/tidings.js';

const FILE = 'schema.gql';
const tidings = useTidings();
const schema = () => tidings.current.app.get(GraphQLSchemaHost).schema;

describe('the schema', () => {
  it('is the one in schema.gql', () => {
    const printed = printPolicySchema(schema());
    if (process.env['npm_lifecycle_event'] === 'schema') writeFileSync(FILE, printed);
    expect(readFileSync(FILE, 'utf8')).toBe(printed);
  });

  it('lets nobody in without a sign-in but here', () => {
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
