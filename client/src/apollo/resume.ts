// Link in front of a stock GraphQLWsLink that resumes subscriptions from their last cursor.
import { ApolloLink } from '@apollo/client';
import { filter } from 'rxjs';

import { eventOf } from '../event.js';

/** Number of recent cursors kept to detect duplicates. */
const MAX_CURSORS = 512;

/**
 * A link to put directly in front of `GraphQLWsLink`. It updates `$after` in the variables object, which graphql-ws sends again after a
 * reconnection. Works for subscriptions that take `$after` and select `cursor`.
 */
export function resumeLink(): ApolloLink {
  return new ApolloLink((operation, forward) => {
    // A copy, since Apollo uses its own object as part of the deduplication key.
    const variables: Record<string, unknown> = { ...operation.variables };
    operation.variables = variables;
    const known = new Set<string>();
    return forward(operation).pipe(
      filter(({ data }) => {
        const cursor = eventOf(data)?.cursor as string | undefined;
        if (cursor === undefined) return true;
        if (known.has(cursor)) return false;
        known.add(cursor);
        if (known.size > MAX_CURSORS) known.delete(known.values().next().value!);
        variables['after'] = cursor;
        return true;
      }),
    );
  });
}
