// For a stock GraphQLWsLink: subscriptions go on where they were.
import { ApolloLink } from '@apollo/client';
import { filter } from 'rxjs';

import { eventOf } from '../event.js';

/** Cursors by which repetitions are known. */
const KNOWN = 512;

/**
 * A link to put directly in front of `GraphQLWsLink`, whose client sends the same variables object again after a lost connection. Works
 * for subscriptions that take `$after` and select `cursor`.
 */
export function resumeLink(): ApolloLink {
  return new ApolloLink((operation, forward) => {
    // Apollo's own object is part of the key by which it joins equal subscriptions.
    const variables: Record<string, unknown> = { ...operation.variables };
    operation.variables = variables;
    const known = new Set<string>();
    return forward(operation).pipe(
      filter(({ data }) => {
        const cursor = eventOf(data)?.cursor as string | undefined;
        if (cursor === undefined) return true;
        if (known.has(cursor)) return false;
        known.add(cursor);
        if (known.size > KNOWN) known.delete(known.values().next().value!);
        variables['after'] = cursor;
        return true;
      }),
    );
  });
}
