// `Node`: an object that can be fetched again by its id alone.
// https://relay.dev/graphql/objectidentification.htm
import { Field, ID, InterfaceType } from '@nestjs/graphql';

/** `value` as `__typename` says: rows have no class. */
@InterfaceType({
  description: 'An object that `node` finds by its id.',
  resolveType: ({ __typename }: { __typename: string }) => __typename,
})
export abstract class Node {
  @Field(() => ID, { description: 'Globally unique and immutable.' })
  id!: string;
}
