// Fields with limits: what each attempt is told of how it ended.
import { graphql, type GraphQLFieldConfig, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import type { OperationContext } from '../../access/operation-context.js';
import { RateLimitedError } from '../../errors/service-error.js';
import { guardSchema } from './guarded-schema.js';

const open = { directive: { name: 'public', description: 'Everybody.', args: {} }, args: {}, check: () => {} };
const contextValue = { discardReads: () => {} } as unknown as OperationContext;

it('a field refused by one of its limits refunds the others', async () => {
  const told: string[] = [];
  const refused = new RateLimitedError(1);
  const limits = {
    write: () => {},
    operation: () => undefined,
    rootFields: () => undefined,
    take: async (limit: unknown) => {
      if (limit === 'register') throw refused;
      const tell = async (how: unknown) => void told.push(how === refused ? 'refused' : 'done');
      return { succeeded: () => tell(undefined), failed: tell };
    },
  };
  const limited = (...limit: string[]): GraphQLFieldConfig<unknown, OperationContext> => ({
    type: GraphQLString,
    resolve: () => void told.push('resolved'),
    extensions: { 'policy:public': open, limit },
  });
  const root = (name: string, fields: Record<string, ReturnType<typeof limited>>) =>
    new GraphQLObjectType({ name, fields });
  const schema = new GraphQLSchema({
    query: root('Query', { none: limited() }),
    mutation: root('Mutation', { both: limited('login', 'register'), one: limited('login') }),
  });
  await graphql({ schema: guardSchema(schema, { limits }), source: 'mutation { both one }', contextValue });
  expect(told).toEqual(['refused', 'resolved', 'done']);
});
