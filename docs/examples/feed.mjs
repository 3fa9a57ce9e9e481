// feed.mjs
import { connect, openSession } from './connection.mjs';

const query = `subscription ($after: String) {
  projectsUpdated(after: $after) { cursor at kind actor { name } project { key } update { title } comment { body } }
}`;

/** Shows all that happens after `cursor`, once and in order. `login`: what the mutation returned. */
export function watchFeed(url, login, cursor, { show, ended }) {
  const variables = { after: cursor };
  return connect(url, openSession(url, login)).subscribe(
    { query, variables },
    {
      next({ data, errors }) {
        const event = data?.projectsUpdated;
        // The client subscribes again after a lost connection, with what the same object holds then.
        variables.after = event?.cursor ?? variables.after;
        if (event) show(event);
        else ended(errors);
      },
      error: ended, // a list of GraphQL errors, or the event of a final close, such as 4401
      complete: ended,
    },
  );
}
